"""Messages that are pushed when a program reports about the agents that it runs (docs/protocol.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from supervisor.protocol.wire.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSaid(Event):
    """Pushed: an agent of a program said something. `user_id` is null where a service reported it."""

    conversation_id: str
    user_id: str | None
    agent: str
    content: str
    message_type: str
    timestamp: str
    type: Literal["new_message"] = "new_message"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStateChanged(Event):
    """Pushed: an agent of a program does something else now. `user_id` is null where a service reported it."""

    user_id: str | None
    agent: str
    status: str
    timestamp: str
    type: Literal["agent_status_update"] = "agent_status_update"
