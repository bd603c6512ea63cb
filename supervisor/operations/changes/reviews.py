"""Reviews: comments on lines of what a turn changed, sent to its session as one prompt."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.operations.changes.changes import ChangeOperations
from supervisor.operations.messages import MessageOperations
from supervisor.operations.work_request import WorkRequest
from supervisor.protocol.messages import MessageId, SessionId
from supervisor.protocol.values.record import record

INDENT = "   "
CODE_CHARACTERS = 300
"""Most characters of a line that the prompt quotes."""

ASKED = "change what these comments ask for, and answer each by its number."


@record
class LineComment:
    """A comment on a line.

    Attributes:
        line: its number as the turn left the file, or, with `before`, as the turn found it: the turn removed the line.
        code: the line.
    """

    path: str
    line: int
    before: bool
    code: str
    text: str


class ReviewOperations:
    """Sends reviews."""

    def __init__(self, changes: ChangeOperations, messages: MessageOperations) -> None:
        self._changes = changes
        self._messages = messages

    async def send(
        self, request: WorkRequest, session_id: str, message_id: str, comments: Sequence[LineComment]
    ) -> MessageId:
        """Send comments on a turn to its session, and return the id of the prompt at once.

        Raises:
            SessionNotFound, NothingToUndo: there is no such turn that the caller may see.
            As `MessageOperations.send`: nothing was accepted.
        """
        turn = await self._changes.find(request.caller, session_id, message_id)
        taken = await self._messages.send(request, SessionId(session_id), prompt_of(turn.message_id, comments), None)
        self._messages.start(taken)
        return taken.accepted.message_id


def prompt_of(message_id: str, comments: Sequence[LineComment]) -> str:
    """Return the prompt of a review. Pages read the comments back from it: what people wrote is indented."""
    parts = [f"Review of turn {message_id}: {ASKED}"]
    for number, comment in enumerate(comments, 1):
        path = " ".join(comment.path.splitlines())
        where = f"{number}. {path}, line {comment.line}{' before the turn' if comment.before else ''}:"
        code = f"{INDENT}> {' '.join(comment.code[:CODE_CHARACTERS].splitlines())}"
        parts.append("\n".join([where, code, *(INDENT + line for line in comment.text.splitlines())]))
    return "\n\n".join(parts)
