"""REST: the monitor of agents; a file operation of Claude Code is rolled back by the undo of its turn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import ScriptedConnector
from tests.supervisor.wires.http.serving import Served, refusal

EVENTS = "/api/agents/events"


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with Served(tmp_path, connector=ScriptedConnector()) as served:
        yield served


async def test_a_file_that_claude_code_wrote_is_seen_and_rolled_back(served: Served) -> None:
    alice = await served.client_of("alice")
    session_id = await served.session()
    message_id = (await served.prompt(session_id, "write a.txt new")).json()["message_id"]
    body: dict[str, Any] = {"type": "new_message", "agent": "Claude", "content": "done", "message_id": message_id}
    conversation_id = (await alice.post(EVENTS, json=body)).json()["conversation_id"]
    await alice.post(EVENTS, json=body | {"content": "again"})

    conversation = (await alice.get(f"/api/conversations/{conversation_id}")).json()
    (operation,) = conversation["file_operations"]
    path = served.core.site / "a.txt"
    assert (operation["type"], operation["filepath"], operation["rolled_back"]) == ("create", str(path), False)
    assert (operation["message_id"], operation["before_hash"], len(operation["after_hash"])) == (message_id, None, 64)
    assert [message["content"] for message in conversation["messages"]] == ["done", "again"]
    stats = (await alice.get("/api/stats")).json()
    assert stats.pop("recent_operations") == [operation]
    assert stats == {
        "total_conversations": 1,
        "active_conversations": 1,
        "total_messages": 2,
        "total_file_operations": 1,
    }

    bob = await served.client_of("bob")
    assert refusal(await bob.post(f"/api/rollback/{operation['id']}"))[:2] == (404, "nothing_to_undo")
    assert (await bob.get("/api/stats")).json()["total_file_operations"] == 0
    assert path.exists()
    done = (await alice.post(f"/api/rollback/{operation['id']}")).json()
    assert (done["success"], done["message_id"], done["paths"]) == (True, message_id, ["a.txt"])
    assert not path.exists()
    (conversation,) = (await alice.get("/api/conversations", params={"messages": 1})).json()
    assert conversation["file_operations"][0]["rolled_back"]
    assert [message["content"] for message in conversation["messages"]] == ["again"]
    (listed,) = (await alice.get("/api/file-operations")).json()["operations"]
    assert (listed["type"], listed["filepath"], listed["rolled_back"]) == ("create", str(path), True)
    status, code, text = refusal(await alice.post(f"/api/rollback/{operation['id']}"))
    assert (status, code, text) == (409, "undo_refused", "Not undone: it was taken back before")
    assert not path.exists()


async def test_a_file_operation_of_a_program_is_shown_and_left_to_that_program(served: Served) -> None:
    alice = await served.client_of("alice")
    body = {"type": "file_operation", "operation_id": "create_1", "operation": "create", "filepath": "/tmp/x"}
    await alice.post(EVENTS, json=body | {"after_hash": "ab", "after_size": 3})
    (recent,) = (await alice.get("/api/stats")).json()["recent_operations"]
    assert (recent["id"], recent["type"], recent["filepath"]) == ("create_1", "create", "/tmp/x")
    assert (recent["after_hash"], recent["after_size"], recent["message_id"]) == ("ab", 3, None)
    status, code, text = refusal(await alice.post("/api/rollback/create_1"))
    assert (status, code) == (403, "not_allowed")
    assert "a program did it itself" in text
    await alice.post(EVENTS, json={"type": "file_rollback", "operation_id": "create_1"})
    (recent,) = (await alice.get("/api/stats")).json()["recent_operations"]
    assert recent["rolled_back"]


async def test_agents_are_listed_with_what_they_do(served: Served) -> None:
    alice, bob = await served.client_of("alice"), await served.client_of("bob")
    await alice.post(EVENTS, json={"type": "agent_status_update", "agent": "planner", "status": "active"})
    await bob.post(EVENTS, json={"type": "agent_status_update", "agent": "coder", "status": "idle"})
    found = (await alice.get("/api/active-agents")).json()
    assert {name: agent["status"] for name, agent in found.items()} == {"planner": "active"}
    assert sorted((await served.service.get("/api/active-agents")).json()) == ["coder", "planner"]


@pytest.mark.parametrize("operation_id", ["999999", "0", "none-such", "9" * 60])
async def test_what_does_not_exist_is_not_rolled_back(served: Served, operation_id: str) -> None:
    assert refusal(await served.service.post(f"/api/rollback/{operation_id}"))[:2] == (404, "nothing_to_undo")


async def test_an_unknown_conversation_is_not_found(served: Served) -> None:
    assert refusal(await served.service.get("/api/conversations/conv_x"))[:2] == (404, "conversation_not_found")


async def test_an_administrator_also_reads_what_services_report_and_others_do_not(served: Served) -> None:
    alice, bob = await served.client_of("alice"), await served.client_of("bob")
    await served.service.post(EVENTS, json={"type": "new_message", "agent": "crawler", "content": "hello"})
    await served.service.post(EVENTS, json={"type": "agent_status_update", "agent": "crawler", "status": "idle"})
    await bob.post(EVENTS, json={"type": "new_message", "agent": "coder", "content": "private"})
    (conversation,) = (await alice.get("/api/conversations")).json()
    assert [message["agent"] for message in conversation["messages"]] == ["crawler"]
    assert (await alice.get(f"/api/conversations/{conversation['id']}")).status_code == 200
    assert sorted((await alice.get("/api/active-agents")).json()) == ["crawler"]
    assert (await alice.get("/api/stats")).json()["total_conversations"] == 1
    for path in ("/api/active-agents", f"/api/conversations/{conversation['id']}"):
        assert "crawler" not in (await bob.get(path)).text
    await alice.post(EVENTS, json={"type": "conversation_ended"})
    assert (await alice.get("/api/conversations")).json()[0]["status"] == "active"
