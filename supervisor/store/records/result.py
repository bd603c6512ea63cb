"""The result of a turn, and the messages of a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from supervisor.protocol.conversation import Tokens
from supervisor.protocol.messages import MessageId, UserId
from supervisor.protocol.status import TurnState
from supervisor.protocol.values.record import record
from supervisor.store.records.turn import Turn


@record
class Result:
    """A turn as it ended, or as it stands: the answer to `GET /api/messages/{id}` and to a repeated message.

    Attributes:
        turn: as it was read or started; `state` says how it stands.
        answer: Markdown; empty while there is none.
        answer_id: None = there is no stored answer, or the assistant gave it.
        why: a sentence if the turn did not complete; else empty.
        duration_ms: how long the turn ran, in milliseconds.
        cost_nanos, tokens: with those of the tasks that the turn gave Claude Code. What has no known price counts as 0.
        unpriced: a part of it has no known price.
        ended_ms: None = it has not ended.
        joined: the messages that were part of the turn and ended with it, in order.
    """

    turn: Turn
    state: TurnState
    answer: str
    answer_id: MessageId | None
    why: str
    stop_reason: str
    duration_ms: int
    cost_nanos: int
    tokens: Tokens
    ended_ms: int | None
    unpriced: bool = False
    joined: tuple[MessageId, ...] = ()

    @property
    def known_nanos(self) -> int | None:
        """What the turn has cost; None = nothing of it has a known price."""
        return None if self.unpriced and not self.cost_nanos else self.cost_nanos


@record
class StoredExchange:
    """A completed turn of a conversation."""

    turn_id: int
    prompt: str
    answer: str


@record
class StoredMessage:
    """A row of `claude_code_messages`.

    Attributes:
        direction: "to_claude" or "from_claude".
        cost_nanos: None = not known: a prompt, or an answer that was never charged.
        status: the state of the message's turn.
        context: of a program's request; None = it sent none.
        user_id: who wrote the prompt; None for an answer.
        reply_to: the prompt that this is the answer to; None for a prompt.
    """

    id: MessageId
    direction: str
    message: str
    timestamp_ms: int
    cost_nanos: int | None
    status: str
    context: Mapping[str, Any] | None
    user_id: UserId | None = None
    reply_to: MessageId | None = None
