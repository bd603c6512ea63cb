"""What became of a message, and the messages of a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from supervisor.protocol.conversation import Tokens
from supervisor.protocol.messages import MessageId, UserId
from supervisor.store.records.turn import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A turn as it ended, or as it stands: what `GET /api/messages/{id}` and a repetition answer."""

    turn: Turn
    answer: str
    answer_id: MessageId | None
    why: str
    stop_reason: str
    duration_ms: int
    cost_nanos: int
    tokens: Tokens
    ended_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """A row of `claude_code_messages`.

    Attributes:
        user_id: who wrote it; None for an answer.
    """

    id: MessageId
    direction: str
    message: str
    timestamp_ms: int
    cost_nanos: int | None
    status: str
    context: Mapping[str, Any] | None
    user_id: UserId | None = None
