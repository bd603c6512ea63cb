"""Questions about tool calls, and what becomes of them."""

from __future__ import annotations

from supervisor.protocol.text.template import clause, line, sentence

# -- the question: the code first, since channels cut long texts, then the call itself

QUESTION_SUBJECT = line("Question about {project}")
MAY_IT_RUN = sentence("[{project}] May it run? YES {code} or NO {code}, within {minutes} min.")
MAY_IT_RUN_FOR = sentence("[{project}] May it run for {who}? YES {code} or NO {code}, within {minutes} min.")
PASSPHRASE_NEEDED = sentence("A yes by this way needs your passphrase behind the code.")
END_NOT_SHOWN = sentence("The call has {count:character}. Its end is not shown here: MORE {code} shows the next part.")
IN_FOLDER = line("In {place}:")
PART_OF = line("[{project}] {code}, characters {first} to {last} of {length}, MORE {code} shows the next part:")
LAST_PART_OF = line("[{project}] {code}, characters {first} to {last} of {length}, this is its end:")
SHOWN_TO_ITS_END = sentence("There is nothing more: {code} was shown to its end. MORE {code} begins again.")
THE_ASSISTANT = clause("assistant")
WAITS_FOR_OTHERS = line("[{project}] This call waits for somebody's approval: {call}")

# -- an answer that counts no more

ASKED_BEFORE_RESTART = sentence("{code} was asked before a restart; its turn is over. Nothing was allowed.")
ALLOWED_BEFORE = sentence("{code} was allowed before.")
ALLOWED_AND_USED = sentence("{code} was allowed before and has been used.")
DENIED_BEFORE = sentence("{code} was denied before. Nothing was allowed.")
TURN_OVER = sentence("{code} counts no more: its turn is over. Nothing was allowed.")
COUNTS_NO_MORE = sentence("{code} counts no more: {why}. Nothing was allowed.")
EXPIRED = sentence("{code} has expired. Nothing was allowed.")
NEEDS_ANOTHER_WAY = clause(
    "this call needs a yes by another way than {channel}, or YES {code} with your passphrase behind it"
)

# -- why a call did not run, for its person and the model

NOT_RUN = clause("{call} was not run: {why}")
NO_SUCH_TOOL = clause("{tool} was not run: there is no such tool now")
TOOL_NEEDS_APPROVAL = clause("{call} needs a person's approval, and nobody can be asked, so it was not run")
CANNOT_BE_RECORDED = clause("{call} was not run: it could not be recorded, because the database does not answer")
REFUSED_BY_STORE = clause("{call} was not run: it could not be recorded, because the database refused: {why}")
LINK_CHANGED = clause("a link in its path was changed after the question")
NO_ANSWER = clause("nobody answered in time")
TURN_ENDED = clause("its turn ended first")
SAID_NO = clause("the person said no")
STOPPING = clause("the daemon stops")
DENIED_BY = clause("denied by {who}: {why}")
