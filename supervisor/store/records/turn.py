"""A turn with the prompt that it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from supervisor.protocol.conversation import Attachment, ProcessIdentity
from supervisor.protocol.messages import MessageId, ProjectName, Reply, SessionId, UserId
from supervisor.protocol.status import Target, TurnState
from supervisor.protocol.values.record import record


@record
class Turn:
    """A turn with the prompt that it answers.

    Attributes:
        id: an internal number; numbers grow in the order of acceptance.
        message_id: the id of the prompt, by which the turn is known outside of the store.
        lane, target, reason, exclusive, thread, note, reply, way: as in `Acceptance`.
        session_id: None = a turn of the assistant.
        context: None = the request had none.
        attempts: how often the turn was started before.
        renamed: how often its prompt was sent again under another id, because an answer had begun.
        identity: the process that runs the turn; None = it does not run, or no process of ours runs it.
        gather: it may become part of the turn before it.
        attachments: files of its message.
        gathered: the turns that are part of this one: its prompt holds their texts too, in order.
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
    way: str = ""
    attempts: int = 0
    renamed: int = 0
    identity: ProcessIdentity | None = None
    gather: bool = False
    gathered: tuple[Turn, ...] = ()
    attachments: Sequence[Attachment] = ()


@record
class CurrentTurn:
    """A turn that runs or waits.

    Attributes:
        session_id: of its session of Claude Code; None = it has none.
    """

    target: Target
    session_id: SessionId | None
