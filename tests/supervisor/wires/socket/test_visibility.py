"""Which events a connection may receive."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from supervisor.people.identity import Caller
from supervisor.protocol import events
from supervisor.protocol.messages import UserId
from supervisor.wires.socket.visibility import may_see

ALICE = Caller(name="alice", user_id=UserId("alice"))
SERVICE = Caller(name="service")
OF_SESSION = frozenset({"session:s1"})
NOTHING = frozenset[str]()


def event_of(kind: type[Any], **chosen: Any) -> Any:
    """Return an event of a class whose other fields are all empty."""
    filled = {item.name: chosen.get(item.name, "") for item in fields(kind) if item.name != "type"}
    return kind(**filled)


def seen(event: Any, caller: Caller = ALICE, topics: frozenset[str] = NOTHING, *, oversees: bool = False) -> bool:
    return may_see(event, caller, topics, lambda _: oversees)


@pytest.mark.parametrize("kind", [events.SessionUpdated, events.CostRecorded])
def test_a_user_sees_sessions_and_costs_of_their_own_and_of_subscribed_sessions(kind: type[Any]) -> None:
    assert seen(event_of(kind, user_id="alice", session_id="s2"))
    assert not seen(event_of(kind, user_id="bob", session_id="s1"))
    assert seen(event_of(kind, user_id="bob", session_id="s1"), topics=OF_SESSION)
    assert seen(event_of(kind, user_id="bob", session_id="s1"), oversees=True)


def test_a_service_sees_everything() -> None:
    assert seen(event_of(events.SessionUpdated, user_id="bob", session_id="s1"), SERVICE)
    assert seen(event_of(events.CostAlert, scope="system", id="system"), SERVICE)


@pytest.mark.parametrize(
    ("alert", "topics", "visible"),
    [
        ({"scope": "user", "id": "alice"}, NOTHING, True),
        ({"scope": "user", "id": "bob"}, NOTHING, False),
        ({"scope": "session", "id": "s1"}, NOTHING, False),
        ({"scope": "session", "id": "s1"}, OF_SESSION, True),
        ({"scope": "message", "id": "m", "user_id": "alice", "session_id": "s2"}, NOTHING, True),
        ({"scope": "message", "id": "m", "user_id": "bob", "session_id": "s1"}, OF_SESSION, True),
        ({"scope": "message", "id": "m", "user_id": "bob", "session_id": "s1"}, NOTHING, False),
        ({"scope": "system", "id": "system"}, NOTHING, False),
    ],
)
def test_a_user_sees_alerts_of_their_own_limits(alert: dict[str, str], topics: frozenset[str], visible: bool) -> None:
    event = event_of(events.CostAlert, **alert)
    assert seen(event, topics=topics) is visible
    assert seen(event, topics=topics, oversees=True)


def test_a_user_sees_pieces_of_an_answer_but_no_answer_of_a_request() -> None:
    assert seen(event_of(events.ClaudeCodeDelta))
    assert not seen(event_of(events.Pong))


@pytest.mark.parametrize("kind", [events.AgentSaid, events.AgentStateChanged])
def test_a_user_sees_what_their_own_programs_report(kind: type[Any]) -> None:
    assert seen(event_of(kind, user_id="alice"))
    assert not seen(event_of(kind, user_id="bob"), oversees=True)
    assert not seen(event_of(kind, user_id=None))
    assert seen(event_of(kind, user_id=None), SERVICE)
