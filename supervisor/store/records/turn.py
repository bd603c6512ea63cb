"""A turn with the prompt that it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from supervisor.protocol.conversation import ProcessIdentity
from supervisor.protocol.messages import MessageId, ProjectName, Reply, SessionId, UserId
from supervisor.protocol.status import Target, TurnState


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A turn with the prompt that it answers.

    Attributes:
        id: internal number, in the order of acceptance.
        message_id: of the prompt; the turn's name outside.
        attempts: how often it was started before.
        renamed: how often its prompt was given anew under another id, because an answer had begun.
        gather: it may be gathered with the one before it.
        gathered: the turns whose texts its prompt holds too, in order.
    """

    id: int
    message_id: MessageId
    lane: str
    target: Target
    reason: str
    state: TurnState
    user_id: UserId
    session_id: SessionId | None
    project: ProjectName
    exclusive: bool
    channel: str
    thread: str
    text: str
    note: str
    context: Mapping[str, Any] | None
    reply: Reply | None
    accepted_ms: int
    attempts: int = 0
    renamed: int = 0
    identity: ProcessIdentity | None = None
    gather: bool = False
    gathered: tuple[Turn, ...] = ()
