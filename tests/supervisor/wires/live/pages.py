"""Pages of the console without a socket."""

from __future__ import annotations

from typing import Any

from supervisor.people.identity import Caller
from supervisor.protocol.messages import ProjectName, SessionId, UserId
from supervisor.protocol.status import SessionStatus
from supervisor.store.records.session import Session
from supervisor.wires.live.client import LiveClient

S1 = SessionId("s1")
SESSION = Session(
    id=S1,
    user_id=UserId("ann"),
    project=ProjectName("team"),
    project_path="/team",
    conversation_id="",
    thread="",
    status=SessionStatus.ACTIVE,
    end_reason="",
    started=True,
    cost_nanos=0,
    message_count=1,
    started_ms=0,
    ended_ms=None,
    activity_ms=0,
    shared=True,
)


def client_of(name: str) -> LiveClient:
    client = LiveClient(Caller(name=name, user_id=UserId(name)), UserId(name))
    client.session = SESSION
    return client


def told(client: LiveClient) -> list[dict[str, Any]]:
    return client.take()[1]
