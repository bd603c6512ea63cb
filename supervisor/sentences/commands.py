"""The sentences with which command words are answered."""

from __future__ import annotations

from supervisor.protocol.text.template import clause, line, sentence

# -- STATUS: first what waits for the sender, then the sessions

NOTHING_WAITS = sentence("No session is active.")
WAITS = line("This waits for you:")
QUESTION = sentence("YES {code} or NO {code}: [{project}] {call}, within {minutes} min.")
INTERRUPTED = sentence("CONTINUE {code}, RETRY {code} or DROP {code}: your message {quoted} was interrupted.")
HELD = sentence("YES {code} or NO {code}: your message {quoted} was not worked on.")
LIMIT_REACHED = sentence("The limit of {whose} is reached: {spent:$} of {limit:$} is spent.")
LIMIT_TOO_CLOSE = sentence(
    "The limit of {whose} leaves too little for one more message: {spent:$} of {limit:$} is spent."
)
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
