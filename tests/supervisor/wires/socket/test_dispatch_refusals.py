"""Whose things are shown to whom, and the table of errors of docs/protocol.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from supervisor import config
from supervisor.operations.messages import MessageOperations
from supervisor.operations.operations import Operations
from supervisor.operations.queries import Queries
from supervisor.operations.sessions import SessionOperations
from supervisor.people.identity import Caller
from supervisor.protocol import events
from supervisor.protocol.errors import BudgetExceeded, Overloaded, RateLimited, StorageError, XswarmError
from supervisor.protocol.messages import SessionId
from tests.supervisor.wires.socket.socket_serving import Listening, refusal

# -- whose it is


async def test_another_users_sessions_do_not_exist_for_a_users_token(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        service, bob = await listening.client(), await listening.client(await listening.core.token("bob"))
        await service.connect(listening.core, "s1", "alice")
        unknown = refusal("session_not_found", "Session not found: s1", session_id="s1")
        for kind, fields in {
            "claude_code_message": {"message": "hi"},
            "claude_code_disconnect": {},
            "claude_code_interrupt": {},
            "get_session_status": {},
            "get_history": {},
            "get_cost": {},
            "claude_code_connect": {"user_id": "bob", "project_path": str(listening.core.site)},
        }.items():
            assert await bob.ask(kind, session_id="s1", **fields) == unknown, kind
        assert await bob.ask("subscribe", topics=["session:s1"]) == refusal(
            "session_not_found", "Session not found: s1"
        )
        nobody = refusal("user_not_found", "User not found: alice")
        assert await bob.ask("message", user_id="alice", message="hi") == nobody
        assert await bob.ask("list_sessions", user_id="alice") == nobody
        assert await bob.ask("get_cost", user_id="alice") == nobody
        assert await bob.ask("subscribe", topics=["user:alice"]) == nobody
        sms = {"from": "+15550100", "to": "+15550199", "message": "hi"}
        assert await bob.ask("sms_received", **sms, user="alice") == nobody
        assert (await bob.ask("sms_received", **sms, user="unknown"))["code"] == "user_not_found"
        assert (await bob.ask("list_sessions"))["sessions"] == []


async def test_a_users_token_hears_of_its_own_user_alone(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        service, bob = await listening.client(), await listening.client(await listening.core.token("bob"))
        await bob.ask("subscribe", topics=["sessions", "costs", "approvals", "user:bob"])
        await service.connect(listening.core, "s1", "alice")
        await service.ask("claude_code_message", session_id="s1", message="pay 1000")
        await service.connect(listening.core, "s2", "bob")
        await service.ask("claude_code_message", session_id="s2", message="pay 1000")
        await service.ask("claude_code_disconnect", session_id="s2")
        seen: list[dict[str, Any]] = []
        while not seen or seen[-1].get("status") != "disconnected":
            seen.append(await bob.receive())
        assert {frame["user_id"] for frame in seen} == {"bob"}
        assert {frame["type"] for frame in seen} == {"session_updated", "cost_recorded", "claude_code_ended"}


async def test_an_overseer_hears_of_sessions_and_costs_of_all_but_reads_and_sends_no_message(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        service, olga = await listening.client(), await listening.client(await listening.core.token("olga"))
        await olga.ask("subscribe", topics=["sessions", "costs", "approvals"])
        await service.connect(listening.core, "s1", "bob")
        await service.ask("claude_code_message", session_id="s1", message="pay 1000")
        await service.ask("claude_code_disconnect", session_id="s1")
        seen: list[dict[str, Any]] = []
        while not seen or seen[-1].get("status") != "disconnected":
            seen.append(await olga.receive())
        assert {(frame["type"], frame["user_id"]) for frame in seen} == {
            ("session_updated", "bob"),
            ("cost_recorded", "bob"),
        }
        assert "pay 1000" not in str(seen)
        assert (await olga.ask("get_session_status", session_id="s1"))["user_id"] == "bob"
        assert [one["session_id"] for one in (await olga.ask("list_sessions", active_only=False))["sessions"]] == ["s1"]
        for fields in ({}, {"user_id": "bob"}, {"session_id": "s1"}):
            assert (await olga.ask("get_cost", **fields))["total_usd"] == 0.000001
        unknown = refusal("session_not_found", "Session not found: s1")
        assert await olga.ask("subscribe", topics=["session:s1"]) == unknown
        assert (await olga.ask("subscribe", topics=["user:bob"]))["code"] == "user_not_found"
        for kind, more in {
            "get_history": {},
            "claude_code_message": {"message": "hi"},
            "claude_code_interrupt": {},
            "claude_code_disconnect": {},
        }.items():
            assert await olga.ask(kind, session_id="s1", **more) == {**unknown, "session_id": "s1"}, kind
        connect = {"session_id": "s9", "project_path": str(listening.core.site)}
        assert (await olga.ask("claude_code_connect", user_id="bob", **connect))["code"] == "user_not_found"
        assert (await olga.ask("claude_code_connect", user_id="olga", **connect))["code"] == "not_allowed"
        assert (await olga.ask("message", user_id="olga", message="claude: hi"))["code"] == "not_allowed"


# -- the table of errors


async def test_errors_have_the_codes_and_texts_of_the_protocol(tmp_path: Path) -> None:
    limits = config.ClaudeCode(max_sessions=1, max_processes=1)
    async with Listening(tmp_path, claude_code=limits) as listening:
        client = await listening.client()
        site = str(listening.core.site)
        connect: dict[str, Any] = {"session_id": "s1", "project_path": site, "user_id": "alice"}

        async def error(kind: str, **fields: Any) -> tuple[str, str]:
            answer = await client.ask(kind, **fields)
            assert answer["type"] == "error", answer
            assert answer.get("session_id") == fields.get("session_id")
            return answer["code"], answer["message"]

        assert await error("get_session_status", session_id="s1") == ("session_not_found", "Session not found: s1")
        assert await error("claude_code_connect", **{**connect, "user_id": "nobody"}) == (
            "user_not_found",
            "User not found: nobody",
        )
        for path in ("/etc", str(listening.core.vault), f"{site}/../vault", "relative", f"{site}/missing"):
            assert await error("claude_code_connect", **{**connect, "project_path": path}) == (
                "project_not_allowed",
                f"Project not allowed: {path}",
            )
        listening.scripted.refusals.append("no such file")
        assert await error("claude_code_connect", **connect) == (
            "connection_failed",
            "Failed to connect to Claude Code: no such file",
        )
        await client.connect(listening.core)
        assert await error("claude_code_connect", **{**connect, "session_id": "s2"}) == (
            "max_sessions",
            "Maximum number of sessions (1) reached",
        )
        (listening.core.site / "inner").mkdir()
        assert await error("claude_code_connect", **{**connect, "project_path": f"{site}/inner"}) == (
            "invalid_message",
            f"claude_code_connect.project_path: must be the session's own: {site}",
        )
        assert await error("claude_code_connect", **{**connect, "user_id": "bob"}) == (
            "session_not_found",
            "Session not found: s1",
        )
        assert await error("claude_code_message", session_id="s1", message="fail no idea") == (
            "turn_failed",
            "Claude Code failed: no idea",
        )
        assert await error("claude_code_message", session_id="s1", message="die of boredom") == (
            "turn_failed",
            "Claude Code failed: its process ended: of boredom",
        )
        await client.connect(listening.core)
        await client.ask("claude_code_disconnect", session_id="s1")
        assert await error("claude_code_message", session_id="s1", message="hi") == (
            "session_not_active",
            "Session is not active: s1",
        )
        assert await error("claude_code_disconnect", session_id="s1") == (
            "session_not_active",
            "Session is not active: s1",
        )
        assert await error("resolve_approval", approval_id="a", decision="allow") == (
            "approval_not_found",
            "Approval not found: a",
        )


@pytest.mark.parametrize(
    ("error", "more"),
    [
        (RateLimited(30.0), {"message": "Rate limit exceeded", "code": "rate_limited", "retry_after": 30.0}),
        (Overloaded(), {"message": "Too many messages waiting", "code": "overloaded", "retry_after": 5.0}),
        (
            BudgetExceeded("user alice", 1.5, 1.0),
            {"message": "Budget exceeded: user alice spent $1.50 of $1.00", "code": "budget_exceeded"},
        ),
        (StorageError("disk full"), {"message": "Storage failed: disk full", "code": "storage"}),
    ],
)
async def test_every_error_of_the_core_is_a_frame_with_its_code_and_text(
    tmp_path: Path, error: XswarmError, more: dict[str, Any]
) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client_of(failing(error))
        answer = await client.ask("get_session_status", session_id="s1", request_id="r")
        assert answer == {"type": "error", "session_id": "s1", "request_id": "r", **more}


def failing(error: Exception) -> Operations:
    """Return operations whose queries raise; the test calls no others."""
    return Operations(
        queries=Failing(error),
        sessions=SessionOperations.__new__(SessionOperations),
        messages=MessageOperations.__new__(MessageOperations),
    )


class Failing(Queries):
    """Queries that raise."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def status(self, caller: Caller, session_id: SessionId) -> events.SessionStatusEvent:
        raise self._error


async def test_a_fault_of_ours_shows_a_reference_and_the_log_has_the_rest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client_of(failing(RuntimeError("at line 7 of the password file")))
        answer = await client.ask("get_session_status", session_id="s1", request_id="r")
        found = re.fullmatch(r"Internal error \(([0-9a-f]{8})\)", answer.pop("message"))
        assert answer == {"type": "error", "code": "internal", "session_id": "s1", "request_id": "r"}
        assert found
        assert f"{found[1]}: get_session_status failed" in caplog.text
        assert "at line 7 of the password file" in caplog.text
        assert await client.quiet()
