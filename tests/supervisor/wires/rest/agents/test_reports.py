"""REST: programs report about their agents; each report is stored for its owner and shown to subscribers."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.operations.agents.agents import TOPIC
from supervisor.protocol import events
from supervisor.wires.rest.agents.reports import MAX_CONTENT
from tests.supervisor.wires.http.serving import Served, refusal

EVENTS = "/api/agents/events"


async def test_a_conversation_is_reported_from_start_to_end(served: Served) -> None:
    pushed: list[events.AnyEvent] = []
    served.core.api.hub.subscribe(TOPIC, pushed.append)
    alice = await served.client_of("alice")
    body: dict[str, Any] = {"type": "conversation_started", "agents": ["planner", "Claude"]}
    started = (await alice.post(EVENTS, json=body)).json()
    conversation_id = started["conversation_id"]
    assert started == {"type": "conversation_started", "conversation_id": conversation_id}
    body = {"type": "new_message", "agent": "planner", "content": "plan", "message_type": "sent"}
    assert (await alice.post(EVENTS, json=body)).json()["conversation_id"] == conversation_id
    body = {"type": "agent_status_update", "agent": "planner", "status": "idle"}
    assert (await alice.post(EVENTS, json=body)).json()["conversation_id"] is None
    assert (await alice.post(EVENTS, json={"type": "conversation_ended"})).json()["conversation_id"] == conversation_id
    said, changed = pushed
    assert isinstance(said, events.AgentSaid)
    assert (said.agent, said.content, said.message_type, said.user_id) == ("planner", "plan", "sent", "alice")
    assert isinstance(changed, events.AgentStateChanged)
    assert (changed.agent, changed.status, changed.user_id) == ("planner", "idle", "alice")

    # With no conversation under way, a message begins one.
    body = {"type": "new_message", "agent": "loner", "content": "hi"}
    other = (await alice.post(EVENTS, json=body)).json()["conversation_id"]
    assert other != conversation_id
    listed = (await alice.get("/api/conversations")).json()
    assert [(one["id"], one["status"], one["agents"]) for one in listed] == [
        (other, "active", ["loner"]),
        (conversation_id, "completed", ["planner", "Claude"]),
    ]


async def test_a_repeated_report_counts_once(served: Served) -> None:
    body = {"type": "new_message", "agent": "planner", "content": "plan"}
    for _ in range(2):
        assert (await served.service.post(EVENTS, json=body, headers={"Idempotency-Key": "k1"})).status_code == 200
    (conversation,) = (await served.service.get("/api/conversations")).json()
    assert conversation["message_count"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "dance"}, "body"),
        ({"type": "new_message", "agent": "a"}, "new_message.content"),
        ({"type": "new_message", "agent": "a", "content": "x" * (MAX_CONTENT + 1)}, "new_message.content"),
        ({"type": "agent_status_update", "agent": "", "status": "idle"}, "agent_status_update.agent"),
        ({"type": "file_operation", "operation_id": "o", "operation": "move", "filepath": "/f"}, "file_operation"),
    ],
)
async def test_a_report_that_breaks_the_rules_is_refused_and_the_field_named(
    served: Served, body: dict[str, Any], field: str
) -> None:
    status, code, text = refusal(await served.service.post(EVENTS, json=body))
    assert (status, code) == (422, "invalid_message")
    assert field in text


async def test_what_belongs_to_another_user_does_not_exist(served: Served) -> None:
    alice, bob = await served.client_of("alice"), await served.client_of("bob")
    started = await alice.post(EVENTS, json={"type": "conversation_started", "agents": []})
    mine = started.json()["conversation_id"]
    for body in (
        {"type": "new_message", "agent": "a", "content": "hi", "conversation_id": mine},
        {"type": "conversation_ended", "conversation_id": mine},
    ):
        assert refusal(await bob.post(EVENTS, json=body))[:2] == (404, "conversation_not_found")
    body = {"type": "new_message", "agent": "a", "content": "hi", "message_id": "nobody-wrote-it"}
    assert refusal(await bob.post(EVENTS, json=body))[:2] == (404, "message_not_found")
    assert refusal(await bob.post(EVENTS, json={"type": "file_rollback", "operation_id": "o"}))[1] == "nothing_to_undo"
    anybody = await served.client(None)
    assert refusal(await anybody.post(EVENTS, json={"type": "conversation_ended"}))[:2] == (401, "not_authenticated")
