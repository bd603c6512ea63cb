"""What people are told about their turns."""

from __future__ import annotations

from supervisor.protocol.text.template import clause, notice, sentence

# -- after a restart: the turn was interrupted, and its sender decides

WAS_INTERRUPTED = clause("Your message {quoted} was interrupted: {why}")
NOT_RUN_AGAIN = sentence("It was not run again.")
DECIDE = sentence("Reply CONTINUE {code}, RETRY {code} or DROP {code}.")
YES_GOES_ON = sentence("YES {code} allows once, and goes on with, what was not run: {call}.")
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
