"""Questions over REST and the socket: seen and decided by who may, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from supervisor.protocol.conversation import ToolCall
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import MessageId
from supervisor.protocol.status import TurnState
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import result, scripted, text_message
from tests.supervisor.wires.http.serving import Served, refusal
from tests.supervisor.wires.socket.socket_serving import Listening
from tests.waiting import until


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with Served(tmp_path, connector=ScriptedConnector()) as served:
        yield served


async def asking(core: Core) -> MessageId:
    """Let a text of alice's lead to a question; return the message."""
    receipt = await core.intake.accept(text_message("deny git push"))
    assert receipt.message_id is not None

    async def waits() -> bool:
        return bool(await core.store.approvals.open_now(now_ms=0))

    await until(waits, "the question is asked")
    return receipt.message_id


async def answer_of(core: Core, message_id: MessageId) -> str:
    async def over() -> bool:
        return (await result(core, message_id)).turn.state is TurnState.COMPLETED

    await until(over, "the turn ends")
    return (await result(core, message_id)).answer


async def test_a_question_is_listed_and_decided_once_over_rest(served: Served) -> None:
    message_id = await asking(served.core)
    alice, bob = await served.client_of("alice"), await served.client_of("bob")
    (waiting,) = (await alice.get("/api/approvals")).json()["approvals"]
    assert {name: waiting[name] for name in ("user_id", "project", "tool", "risk", "summary")} == {
        "user_id": "alice",
        "project": "site",
        "tool": "Bash",
        "risk": "shell",
        "summary": "Bash git push",
    }
    assert (await bob.get("/api/approvals")).json() == {"approvals": []}
    url = f"/api/approvals/{waiting['approval_id']}"
    assert refusal(await bob.post(url, json={"decision": "allow"}))[:2] == (404, "approval_not_found")
    assert refusal(await alice.post(url, json={"decision": "perhaps"}))[:2] == (422, "invalid_message")
    assert refusal(await alice.post(url, json={"decision": "allow", "minutes": 121}))[:2] == (422, "invalid_message")
    done = await alice.post(f"/api/approvals/{waiting['code']}", json={"decision": "allow"})
    assert done.json() == {
        "approval_id": waiting["approval_id"],
        "decision": "allow",
        "summary": "Bash git push",
    }
    assert await answer_of(served.core, message_id) == "allowed: True"
    status, code, text = refusal(await served.service.post(url, json={"decision": "deny"}))
    assert (status, code) == (409, "approval_closed")
    assert "was allowed before and has been used" in text
    assert (await served.operator.get("/api/approvals")).json() == {"approvals": []}


async def asking_to_write(core: Core, content: str) -> None:
    """Let alice's turn ask about a `Write` to a file of the project that holds one line."""
    await core.intake.accept(text_message("claude: hold"))
    await until(scripted(core).held, "its turn runs")
    spec = scripted(core).opened[-1].spec
    Path(spec.project_path, ".mcp.json").write_text("old")
    call = ToolCall(tool_use_id=uuid7(), name="Write", input={"file_path": ".mcp.json", "content": content})
    core_calls.append(asyncio.ensure_future(spec.decide(call)))

    async def asked() -> bool:
        return bool(await core.store.approvals.open_now(now_ms=0))

    await until(asked, "the question is asked")


core_calls: list[asyncio.Future[Any]] = []
"""Calls that wait for their answers: the loop holds tasks only weakly."""


async def test_whoever_may_decide_reads_the_whole_call_over_rest(tmp_path: Path) -> None:
    async with Served(tmp_path, connector=ScriptedConnector()) as served:
        content = "new\n" + "x\u202e" * 50_000
        await asking_to_write(served.core, content)
        alice, bob = await served.client_of("alice"), await served.client_of("bob")
        (listed,) = (await alice.get("/api/approvals")).json()["approvals"]
        assert listed["truncated"] is True
        assert len(listed["call"].encode()) == 262_144
        for name in (listed["approval_id"], listed["code"]):
            one = (await alice.get(f"/api/approvals/{name}")).json()
            escaped = content.replace("\u202e", "\\u202e")
            assert one["call"] == f"Write .mcp.json\ncontent ({len(escaped)} characters):\n{escaped}"
            assert one["characters"] == len(one["call"])
            assert one["diff"] == f"@@ -1,1 +1,2 @@\n-old\n+new\n+{escaped[4:]}"
            assert (one["truncated"], one["state"], one["summary"]) == (False, "open", "Write .mcp.json")
        assert refusal(await bob.get(f"/api/approvals/{listed['code']}"))[:2] == (404, "approval_not_found")
        scripted(served.core).release()


async def test_whoever_may_decide_reads_the_whole_call_over_the_socket(tmp_path: Path) -> None:
    async with Listening(tmp_path, connector=ScriptedConnector()) as listening:
        client = await listening.client()
        await client.ask("subscribe", topics=["approvals"])
        for number, content in enumerate(("new\u202e", '"' * 500_000)):
            if number:
                scripted(listening.core).release()
                await until(listening.core.all_answered, "the turn ends")
            await asking_to_write(listening.core, content)
            pushed = await client.receive_type("approval_requested")
            text = "content: new\\u202e" if not number else f"content (500000 characters):\n{content}"
            assert pushed["characters"] == len("Write .mcp.json\n") + len(text)
            assert f"Write .mcp.json\n{text}".startswith(pushed["call"])
            assert pushed["truncated"] is bool(number)
            assert pushed["diff"].startswith("@@ -1,1 +1,1 @@\n-old\n+")
        scripted(listening.core).release()


async def test_a_question_is_pushed_and_decided_over_the_socket(tmp_path: Path) -> None:
    async with Listening(tmp_path, connector=ScriptedConnector()) as listening:
        client = await listening.client()
        await client.ask("subscribe", topics=["approvals"])
        message_id = await asking(listening.core)
        pushed: dict[str, Any] = await client.receive()
        assert pushed["type"] == "approval_requested"
        assert (pushed["user_id"], pushed["tool"], pushed["summary"]) == ("alice", "Bash", "Bash git push")
        await client.send("resolve_approval", approval_id=pushed["approval_id"], decision="deny", request_id="r")
        frames = [await client.receive(), await client.receive()]
        assert {frame["type"] for frame in frames} == {"approval_resolved"}
        assert {frame["decision"] for frame in frames} == {"deny"}
        assert [frame.get("request_id") for frame in frames].count("r") == 1
        assert (await answer_of(listening.core, message_id)).startswith("allowed: False")
        again = await client.ask("resolve_approval", approval_id=pushed["approval_id"], decision="allow")
        assert again["code"] == "approval_closed"
        assert again["message"].endswith(" was denied before. Nothing was allowed")


async def notes_of(core: Core) -> list[tuple[str, str, str | None]]:
    """Return what was decided by which way, and why, as the audit trail knows it."""
    found = await core.store.audit.entries(after=0, limit=999)
    decided = ("approval.allowed", "approval.denied")
    return [(one.event, one.detail["way"], one.detail.get("note")) for one in found if one.event in decided]


async def test_why_it_was_decided_so_is_kept_over_rest(served: Served) -> None:
    alice = await served.client_of("alice")
    for decision, note in (("allow", "fine"), ("deny", "x" * 1000), ("deny", None)):
        message_id = await asking(served.core)
        (waiting,) = (await alice.get("/api/approvals")).json()["approvals"]
        url = f"/api/approvals/{waiting['code']}"
        assert refusal(await alice.post(url, json={"decision": "deny", "note": "x" * 1001}))[:2] == (
            422,
            "invalid_message",
        )
        assert (await alice.post(url, json={"decision": decision, "note": note})).status_code == 200
        await answer_of(served.core, message_id)
    assert await notes_of(served.core) == [
        ("approval.allowed", "http", "fine"),
        ("approval.denied", "http", "x" * 1000),
        ("approval.denied", "http", None),
    ]


async def test_why_it_was_denied_is_kept_and_told_over_the_socket(tmp_path: Path) -> None:
    async with Listening(tmp_path, connector=ScriptedConnector()) as listening:
        client = await listening.client()
        message_id = await asking(listening.core)
        (approval,) = await listening.core.store.approvals.open_now(now_ms=0)
        given = {"approval_id": approval.id, "decision": "deny", "note": "too risky"}
        assert (await client.ask("resolve_approval", **given))["type"] == "approval_resolved"
        assert "was not run: denied by service: too risky" in await answer_of(listening.core, message_id)
        assert await notes_of(listening.core) == [("approval.denied", "socket", "too risky")]


async def test_a_users_token_hears_of_their_own_questions_alone(tmp_path: Path) -> None:
    async with Listening(tmp_path, connector=ScriptedConnector()) as listening:
        alice = await listening.client(await listening.core.token("alice"))
        bob = await listening.client(await listening.core.token("bob"))
        for client in (alice, bob):
            await client.ask("subscribe", topics=["approvals"])
        message_id = await asking(listening.core)
        pushed = await alice.receive()
        assert pushed["type"] == "approval_requested"
        assert await bob.quiet()
        refused = await bob.ask("resolve_approval", approval_id=pushed["approval_id"], decision="allow")
        assert refused["code"] == "approval_not_found"
        await alice.send("resolve_approval", approval_id=pushed["approval_id"], decision="allow")
        assert await answer_of(listening.core, message_id) == "allowed: True"
        await asyncio.gather(alice.receive(), alice.receive())
