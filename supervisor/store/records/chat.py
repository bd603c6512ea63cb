"""A message of a chat with what became of it; what a search in conversations finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from supervisor.protocol.messages import MessageId, ProjectName, SessionId, UserId
from supervisor.protocol.status import SessionKind
from supervisor.protocol.values.record import record
from supervisor.store.records.result import Result
from supervisor.store.records.tool_call import StoredCall


@record
class ChatEntry:
    """A message of a chat with its answer.

    Attributes:
        result: the turn as it ended, or as it stands.
        calls: the tool calls of the assistant, in order.
    """

    result: Result
    calls: Sequence[StoredCall] = ()


@dataclass(frozen=True, slots=True)
class ExcerptPart:
    """A piece of an excerpt; `found` = it is one of the words that were looked for."""

    text: str
    found: bool


@record
class Found:
    """An exchange in which the words occur.

    Attributes:
        session_id: the chat it was written in, else the session that answered; None = a text or mail to the assistant.
        kind: of that session; None = there is none.
        title: of the chat; empty = it has none.
        message_id: of the message.
        user_id: who wrote it.
        role: whether the excerpt is of the message or of its answer.
        accepted_ms: milliseconds UTC.
    """

    session_id: SessionId | None
    kind: SessionKind | None
    title: str
    project: ProjectName
    channel: str
    message_id: MessageId
    user_id: UserId
    role: Literal["user", "assistant"]
    excerpt: Sequence[ExcerptPart]
    accepted_ms: int
