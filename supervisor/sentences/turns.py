"""What people are told about their turns."""

from __future__ import annotations

from supervisor.protocol.text.template import clause, line, notice, sentence

STOPPED = sentence("Stopped.")
STOPPED_BY = sentence("Stopped by {who}.")

# -- after a restart: the turn was interrupted, and its sender decides

WAS_INTERRUPTED = clause("Your message {quoted} was interrupted: {why}")
NOT_RUN_AGAIN = sentence("It was not run again.")
DECIDE = sentence("Reply CONTINUE {code}, RETRY {code} or DROP {code}.")
YES_GOES_ON = sentence("YES {code} allows once, and goes on with, what was not run: {call}.")
ONE_YES_GOES_ON = sentence("One of them is enough: what else it needs is asked about again.")
TOOLS_STARTED = sentence("These tools had started: {calls}.")

# -- messages that were queued behind it run first

YOURS_RUNS_FIRST = sentence("Your next message {quoted} runs first.")
YOURS_RUN_FIRST = sentence("Your next {count:message} run first.")
ANOTHERS_RUNS_FIRST = sentence("The next message, {quoted} of {who}, runs first.")
OTHERS_RUN_FIRST = sentence("The next {count:message}, of {who}, run first.")
RUNS_BEFORE = notice(
    "A restart interrupted the message of {who} before yours. Your message {quoted} runs now, without waiting until "
    "{who} has decided about that one."
)

# -- the session does not start again by itself

BEGIN_ANEW = clause(
    "your next message begins a new conversation, and `xswarm claude connect {session}` at a terminal goes on with "
    "this one"
)
FIND_OUT = clause("find out what is wrong, then connect it again")
CANNOT_GO_ON = sentence(
    "The session of your message {quoted} does not start again by itself. Send the message again: that begins a new "
    "conversation."
)
NOT_ACTIVE = sentence(
    "Your message {quoted} was not worked on, because its session does not start again by itself. Send it again: that "
    "begins a new conversation."
)

# -- the end of a turn

CLAUDE_CODE = clause("Claude Code")
THE_ASSISTANT = clause("The assistant")
WITHOUT_TEXT = sentence("{who} finished without a text.")
STOPPED_AND_DROPPED = sentence("Stopped, and dropped {count:queued message}.")
DROPPED_BEHIND = sentence("Dropped {count:queued message}.")
WRITTEN = line("Written until then:")
FAILED = clause("{who} failed: {why}")
NOT_DONE = line("Not done:")
CANNOT_BE_UNDONE = sentence("What this turn changed cannot be undone: {why}.")
STATES_BEGIN_ANEW = sentence(
    "The recorded states of this project were damaged and begin anew: its earlier turns cannot be undone."
)

# -- the last line of an answer

FILES_CHANGED = line("{files:file} changed")
MINUTES = line("{minutes} min {seconds} s")
SECONDS = line("{seconds} s")

# -- several nodes

NO_NODE = notice("No node that has the project {project} is running; your message {quoted} waits.")

# -- notices about a turn that takes long

STILL_WORKING = notice("Still working on {quoted} after {minutes} min. ABORT stops it.")
NO_SIGN_OF_LIFE = notice("No sign of life for {minutes} min: {quoted}. ABORT stops it.")

RULE_TOO_SLOW = sentence(
    "This rule takes too long to match and is not applied, so undo covers the files that it names: {rule}."
)
RULES_TOO_SLOW = sentence(
    "{count:rule} take too long to match and are not applied, so undo covers the files that they name. "
    "The first is: {rule}."
)
