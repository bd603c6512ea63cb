"""The sentences with which command words are answered."""

from __future__ import annotations

from supervisor.protocol.text.template import clause, line, sentence

# -- STATUS: first what waits for the sender, then the sessions

NOTHING_WAITS = sentence("No session is active.")
WAITS = line("This waits for you:")
QUESTION = sentence("YES {code} or NO {code}: [{project}] {call}, within {minutes} min.")
INTERRUPTED = sentence("CONTINUE {code}, RETRY {code} or DROP {code}: your message {quoted} was interrupted.")
HELD = sentence("YES {code} or NO {code}: your message {quoted} was not worked on.")
LIMIT_REACHED = sentence("{limit_name} is reached: {spent:$} of {limit:$} is spent.")
LIMIT_TOO_CLOSE = sentence("{limit_name} leaves too little for one more message: {spent:$} of {limit:$} is spent.")
ADD_RAISES = sentence("ADD {dollars} {code} adds ${dollars}.")
MORE_WAIT = sentence("{count:more thing waits|more things wait} for you.")

SESSION = line("{project}: {state}, {messages:message}, {cost:$}, last used {minutes} min ago")
ASSISTANT = line("The assistant: {state}")
MORE_SESSIONS = line("and {count} more")
WORKING = line("working for {seconds} s")
QUEUED = line("{messages:message} queued")
ASKING_YOU = line("waits for your answer")
ASKING_OTHERS = line("waits for somebody's approval")

# -- COST

COST = sentence("Today {today} for {messages:message}; in total {total:$} for {count:message}.")
SPENT = clause("{spent:$}")
SPENT_OF = clause("{spent:$} of {limit:$}")

# -- ABORT

NOTHING_RUNS = sentence("You have no running turn and no queued message.")
DROPPED_BY_ABORT = clause("dropped by ABORT")

# -- YES and NO

WRITE_ABOVE = sentence("Write {word} {code} above the quoted text, and nothing else. Nothing was allowed.")
WRITE_ONE_OF = sentence("Write {forms}. Nothing was allowed.")
YES_OR_NO = clause("YES {code} or NO {code}")
NO_QUESTION = sentence("No question for you has the code {code}. Nothing was allowed.")
ASKED_AGAIN = sentence("{tool} in {project} is asked about again. This call had been allowed before.")
# The call stands last, as it is: nothing is put behind it.
DENIED = line("Denied: {call}")
ALLOWED_ONCE = line("Allowed once: {call}")
ALLOWED_GOES_ON = line("Allowed once, and its work goes on: {call}")
ALLOWED_FOR = line("Allowed, and {tool} in {project} for {count:minute}: {call}")
REST_NOT_NEEDED = sentence("What stands behind the code was not needed.")
REST_NOT_READ = sentence("What stands beside the code was not read: send that in a message of its own.")
BELOW_NOT_READ = sentence("What stands below it was not read: send that in a message of its own.")
WROTE_MORE = sentence(
    "Nothing was allowed, because you wrote more than YES {code}. Write YES {code} alone, "
    "YES {code} 30 for 30 minutes (at most {minutes} min), or NO {code}."
)
NOTHING_ALLOWED_YET = sentence("Nothing was allowed yet.")

# -- YES and NO to a message that did not run by itself

HELD_QUESTION = sentence(
    "A message in your name was not worked on, because {why}: {quoted}. "
    "Write YES {code} if it is yours and is to run, or NO {code}."
)
HELD_CODE_EXPIRED = sentence("The code {code} is no longer valid. Send the message again.")
HELD_GONE = sentence("The message of the code {code} is no longer stored. Send it again.")
WAS_DROPPED = sentence("Your message {quoted} was dropped.")
RUNS_NOW = sentence("Your message {quoted} runs now.")
NOT_CARRIED_OUT = sentence("{word} was not carried out, because {why}. Send it in a new message.")

# -- CONTINUE, RETRY, DROP

NOT_INTERRUPTED = sentence("None of your interrupted messages has the code {code}.")
CODE_USED = sentence("The code {code} was used already.")
CODE_EXPIRED = sentence("The code {code} is no longer valid. Send your message again.")
MESSAGE_GONE = sentence("Your message is no longer stored. Send it again.")
CONTINUES = sentence("Your message {quoted} continues.")
RUNS_AGAIN = sentence("Your message {quoted} runs again from its beginning.")
SEVERAL_INTERRUPTED = line("Several of your messages were interrupted. Reply with one of these:")
FOR_MESSAGE = line("{word} {code} for {quoted}")

# -- ADD

ONLY_ADMINS = sentence("Only an administrator can raise a limit. Nothing was added.")
NO_LIMIT = sentence("No limit has the code {code}. Nothing was added.")
LIMIT_CODE_EXPIRED = sentence("The code {code} is no longer valid. Nothing was added.")
NOTHING_TO_RAISE = sentence("The limit no longer exists, or the amount is zero. Nothing was added.")
ADDED = sentence("Added {added:$}: {limit_name} is {limit:$} now.")
ADDED_AND_REOPENED = sentence(
    "Added {added:$}: {limit_name} is {limit:$} now. The session is open again for its next message."
)
ADD_CODE_USED = sentence("The code {code} was used already: {limit_name} is {limit:$}. Nothing was added.")
NOTHING_ADDED = sentence("Nothing was added.")
MOST_RAISED = sentence(
    "{limit_name} is {limit:$}, and can be raised to at most {most:$}, {times} times what is configured. "
    "Nothing was added."
)

# -- UNDO

NOTHING_CHANGED = sentence("None of your messages changed a file that can be restored.")
ALREADY_GONE = sentence("What your message {quoted} changed is no longer there: nothing to undo.")
ASK_UNDO = sentence(
    "Your message {quoted} changed {count:file} in {project}: {paths}. Reply UNDO {code} to take that back."
)
NOT_UNDONE = clause("not undone: {why}")
NO_CHANGE_HAS_CODE = sentence("You have no change to undo with the code {code}. Nothing was touched.")
UNDO_CODE_USED = sentence("The code {code} was used already. Nothing was touched.")
UNDO_CODE_EXPIRED = sentence("The code {code} is no longer valid: send UNDO again. Nothing was touched.")
UNDO_MESSAGE_GONE = sentence("That message is no longer stored. Nothing was touched.")
TAKEN_BACK = sentence("Taken back: {paths}. UNDO {code} reverses this.")
BROUGHT_BACK = sentence("Brought back: {paths}. UNDO {code} reverses this.")

# -- MORE

NOTHING_MORE = sentence("There is nothing more.")
NO_QUESTION_TO_SHOW = sentence("No question for you has the code {code}.")
