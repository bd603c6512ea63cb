"""What the model of the assistant, and Claude Code, are told of the tool with which the one gives the other a task."""

from __future__ import annotations

from supervisor.protocol.text.template import clause, sentence

CLAUDE_CODE = sentence(
    "Gives a task to Claude Code, which works in the files of one project: it reads and changes code, runs tests and "
    "commands, uses git. Use it only for such work. The task must say everything that Claude Code needs to know: it "
    "does not see this conversation, but it remembers the earlier tasks that it got here in the same project. It may "
    "take minutes. A person is asked before it does what the project does not allow by itself."
)
THE_TASK = sentence("What Claude Code should do.")
GIVEN_BY = clause("the assistant gave you this task in the name of the user; its answer to the user will sum up yours")
WITHDRAWN = clause("the answer was stopped for which it was given")
WITHOUT_TEXT = sentence("Claude Code has ended its work without a text.")
WRONG_TASK = clause("task: must be a text of 1 to {count:character}")
WRONG_PROJECT = clause("project: must be one of {projects}")
