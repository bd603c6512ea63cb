"""The `ListStore` port: messages, replies and dropped messages of everybody or of one user, page by page."""

from __future__ import annotations

from typing import Protocol

from supervisor.protocol.messages import MessageId, OutboxId, ProjectName, SessionId, UserId
from supervisor.protocol.status import OutboxState, Target, TurnState
from supervisor.protocol.values.record import record
from supervisor.store.ports.audit import DroppedMessage
from supervisor.store.records.outbox import OutboxRow

BEGINNING = 300
"""How many characters of a message a list holds."""

FAILED = "failed"
"""The state that a list takes for replies that did not arrive: undelivered or dead."""


@record
class ListedMessage:
    """A message in a list.

    Attributes:
        text: its beginning.
        started_ms, ended_ms: of its turn; None = not yet.
        is_asked: whether a question about a tool call of its turn is open.
    """

    message_id: MessageId
    user_id: UserId
    session_id: SessionId | None
    project: ProjectName
    channel: str
    target: Target
    state: TurnState
    text: str
    accepted_ms: int
    started_ms: int | None
    ended_ms: int | None
    is_asked: bool


@record
class ListFilter:
    """Which rows are wanted; every condition must hold, and an empty one holds always.

    Attributes:
        user_id: of the sender or the recipient.
        state: of the turn or the reply; replies also take `FAILED`.
    """

    user_id: UserId | None = None
    channel: str = ""
    project: str = ""
    state: TurnState | OutboxState | str = ""


class ListStore(Protocol):
    """Lists, newest first. A page begins behind a row; None = with the newest one."""

    async def messages(self, where: ListFilter, *, before: MessageId | None, limit: int) -> list[ListedMessage]:
        """Return accepted messages."""

    async def replies(self, where: ListFilter, *, before: OutboxId | None, limit: int) -> list[OutboxRow]:
        """Return replies that leave by a channel; a project is no condition here."""

    async def dropped(self, channel: str, *, before: int | None, limit: int) -> list[DroppedMessage]:
        """Return messages that were dropped or refused; an empty channel = of all."""
