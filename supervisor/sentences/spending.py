"""What people are told about limits of spending."""

from __future__ import annotations

from supervisor.protocol.text.template import clause, line, notice, sentence

# -- the names of limits

YOUR_DAY = clause("your limit of today")
USERS_DAY = clause("the limit of {who} for today")
SYSTEMS_DAY = clause("the limit of all users together for today")
SESSIONS = clause("the limit of the session in {project}")
A_SESSIONS = clause("the limit of a session")
MESSAGES = clause("the limit of one message")

# -- a limit is nearly or wholly used up

LEVEL_REACHED = notice("{percent} % of {limit_name} is spent: {spent:$} of {limit:$}.")
LAST = notice("The last message was from {who}.")
LAST_IN = notice("The last message was from {who}, in {project}.")
WAS_REFUSED = notice("A message of {who} was refused: {spent:$} of {limit:$} of {limit_name} is spent or set aside.")
ASK_FOR_MORE = notice("Ask {whom} to raise it.")
REPLY_ADD = notice("Reply ADD {dollars} {code} to raise it by ${dollars}.")

# -- what the sender of a refused message can do

SEND_SMALLER_OR_RAISE = sentence("Send a smaller one, or raise message_usd below [budgets] in config.toml.")
SEND_SMALLER_OR_ASK = sentence("Send a smaller one, or ask {whom} to raise what a message may cost.")
ASK_TO_RAISE = sentence("Ask {whom} to raise the limit.")
STARTS_AGAIN = sentence("Otherwise it starts again at 00:00 UTC.")
SESSION_ENDED = sentence("Its session has ended: your next message begins a new one.")
SESSION_GOES_ON = sentence("With that its session goes on; otherwise your next message begins a new one.")
ADMINISTRATORS = clause("{who} (administrator)")
OPERATOR = clause("the operator of this daemon")

# -- the subject of a mail that nobody asked for

SUBJECT = line("Spending")
