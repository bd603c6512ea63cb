"""Each request of protocol.md section 1 with its answer and its refusals, over a real connection and a real core."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from supervisor import config
from supervisor.identity import Caller
from supervisor.operations import Operations
from supervisor.protocol import events
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import EndReason, SessionStatus
from supervisor.protocol.times import day_text, now_ms
from tests.supervisor.wires.socket_serving import Listening
from tests.waiting import until

TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def checked(answer: dict[str, Any], **patterns: re.Pattern[str]) -> dict[str, Any]:
    """Return an answer without the fields that match a pattern, which differ from run to run."""
    for name, pattern in {"timestamp": TIME, **patterns}.items():
        assert pattern.fullmatch(str(answer.pop(name))), (name, answer)
    return answer


def refusal(code: str, message: str, **more: Any) -> dict[str, Any]:
    """Return an error frame."""
    return {"type": "error", "message": message, "code": code, **more}


# -- sessions


async def test_connect_creates_attaches_and_resumes(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        connected = {"type": "claude_code_connected", "session_id": "s1", "status": "connected"}
        assert checked(await client.connect(listening.core)) == {**connected, "resumed": False}
        assert checked(await client.connect(listening.core)) == {**connected, "resumed": False}
        ended = await client.ask("claude_code_disconnect", session_id="s1", request_id="r")
        assert checked(ended) == {
            "type": "claude_code_disconnected",
            "session_id": "s1",
            "reason": "User requested",
            "request_id": "r",
        }
        assert checked(await client.connect(listening.core)) == {**connected, "resumed": True}
        await listening.core.sessions.close_idle([SessionId("s1")], EndReason.IDLE)
        assert checked(await client.connect(listening.core)) == {**connected, "resumed": True}


async def test_status_is_a_whole_report(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        await client.connect(listening.core)
        status = await client.ask("get_session_status", session_id="s1")
        times = {"started_at": TIME, "last_activity": TIME, "timestamp": TIME}
        assert status.pop("duration_seconds") >= 0
        assert checked({**status, "timestamp": status["started_at"]}, **times) == {
            "type": "session_status",
            "session_id": "s1",
            "user_id": "alice",
            "project_path": str(listening.core.site),
            "status": "active",
            "cost_usd": 0.0,
            "message_count": 0,
            "ended_at": None,
        }
        await client.ask("claude_code_disconnect", session_id="s1")
        ended = await client.ask("get_session_status", session_id="s1")
        assert (ended["status"], bool(TIME.fullmatch(ended["ended_at"]))) == ("disconnected", True)


async def test_sessions_are_listed_by_user_and_by_whether_they_live(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        for session_id, user_id in (("a1", "alice"), ("a2", "alice"), ("b1", "bob")):
            await client.connect(listening.core, session_id, user_id)
        await client.ask("claude_code_disconnect", session_id="a1")

        async def listed(**fields: Any) -> set[str]:
            answer = await client.ask("list_sessions", **fields)
            assert answer["type"] == "sessions"
            return {session["session_id"] for session in answer["sessions"]}

        assert await listed() == {"a2", "b1"}
        assert await listed(active_only=False) == {"a1", "a2", "b1"}
        assert await listed(user_id="alice", active_only=False) == {"a1", "a2"}
        assert len(await listed(active_only=False, limit=1)) == 1
        assert await client.ask("list_sessions", user_id="nobody") == refusal(
            "user_not_found", "User not found: nobody"
        )


async def test_interrupt_stops_the_running_turn_and_says_what_it_was(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client, other = await listening.client(), await listening.client()
        await client.connect(listening.core)
        nothing = await other.ask("claude_code_interrupt", session_id="s1")
        assert checked(nothing) == {
            "type": "claude_code_interrupted",
            "session_id": "s1",
            "message_id": None,
            "partial": False,
        }
        await client.ask("subscribe", topics=["session:s1"])
        await client.send("claude_code_message", session_id="s1", message="hold")
        piece = await client.receive_type("claude_code_delta")
        stopped = await other.ask("claude_code_interrupt", session_id="s1")
        assert (stopped["message_id"], stopped["partial"]) == (piece["message_id"], True)
        assert await client.receive_type("error") == refusal(
            "turn_failed", "Claude Code failed: interrupted", session_id="s1"
        )


async def test_disconnecting_with_a_turn_running_fails_what_waits(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client, other = await listening.client(), await listening.client()
        await client.connect(listening.core)
        await client.send("claude_code_message", session_id="s1", message="hold", request_id="running")
        await until(listening.scripted.held, "the prompt to be held")
        await client.send("claude_code_message", session_id="s1", message="waits", request_id="waiting")
        assert await client.quiet()
        await until(lambda: listening.core.turns.backlog, "the second prompt to wait")
        assert (await other.ask("claude_code_disconnect", session_id="s1"))["type"] == "claude_code_disconnected"
        errors = {frame["request_id"]: frame["code"] for frame in (await client.receive(), await client.receive())}
        assert errors == {"running": "turn_failed", "waiting": "turn_failed"}


# -- messages


async def test_a_prompt_is_answered_with_everything_that_is_known_of_it(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        await client.connect(listening.core)
        answer = await client.ask(
            "claude_code_message", session_id="s1", message="pay 1500000", context={"a": [1]}, request_id="r"
        )
        assert answer.pop("duration_ms") >= 0
        assert checked(answer, message_id=UUID) == {
            "type": "claude_code_response",
            "session_id": "s1",
            "content": "paid",
            "cost_usd": 0.0015,
            "usage": {
                "input_tokens": 10,
                "output_tokens": 5,
                "cache_read_input_tokens": 0,
                "cache_creation_input_tokens": 0,
            },
            "stop_reason": "end_turn",
            "request_id": "r",
        }


async def test_history_shows_both_ways_and_pages_back(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        await client.connect(listening.core)
        for text in ("one", "two"):
            await client.ask("claude_code_message", session_id="s1", message=text, context={"n": text})
        history = await client.ask("get_history", session_id="s1")
        assert (history["type"], history["session_id"]) == ("history", "s1")
        shown = [(m["direction"], m["message"], m["status"], m["context"]) for m in history["messages"]]
        assert shown == [
            ("to_claude", "one", "completed", {"n": "one"}),
            ("from_claude", "one", "completed", None),
            ("to_claude", "two", "completed", {"n": "two"}),
            ("from_claude", "two", "completed", None),
        ]
        assert set(history["messages"][0]) == {
            "id", "direction", "message", "timestamp", "cost_usd", "status", "context"
        }  # fmt: skip
        last = await client.ask("get_history", session_id="s1", limit=1)
        earlier = await client.ask("get_history", session_id="s1", before=last["messages"][0]["id"], limit=2)
        assert [m["message"] for m in earlier["messages"]] == ["one", "two"]


async def test_a_message_is_routed_by_keyword_and_says_why(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        chat = await client.ask("message", user_id="alice", message="how are you", request_id="r")
        assert checked(chat, message_id=UUID) == {
            "type": "message_response",
            "target": "assistant",
            "reason": "no keyword",
            "session_id": None,
            "content": "how are you",
            "cost_usd": 0.0,
            "request_id": "r",
        }
        work = await client.ask("message", user_id="alice", message="run the tests")
        assert (work["target"], work["reason"], work["content"]) == ("claude_code", "keyword run", "run the tests")
        assert (await client.ask("get_session_status", session_id=work["session_id"]))["user_id"] == "alice"


async def test_messages_of_different_threads_are_different_conversations(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        found = [
            (await client.ask("message", user_id="alice", message="run it", thread=thread))["session_id"]
            for thread in ("one", "two", "one")
        ]
        assert found[0] == found[2] != found[1]


async def test_a_refused_message_says_so_again_when_it_is_repeated(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        asked = {"user_id": "olga", "message": "run the tests", "external_id": "x1"}
        first = await client.ask("message", **asked)
        assert first["code"] == "not_allowed"
        assert "OPERATOR" in first["message"]
        assert await client.ask("message", **asked) == first


# -- repetitions


async def test_a_prompt_received_twice_is_answered_twice_and_run_once(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client, other = await listening.client(), await listening.client()
        await client.connect(listening.core)
        asked = {"session_id": "s1", "message": "hello", "external_id": "x1"}
        first = await client.ask("claude_code_message", **asked, request_id="r1")
        again = await other.ask("claude_code_message", **asked, request_id="r2")
        assert {**again, "request_id": "r1"} == first
        assert listening.scripted.texts("s1") == ["hello"]


async def test_a_prompt_repeated_while_it_runs_is_answered_when_it_ends(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client, other = await listening.client(), await listening.client()
        await client.connect(listening.core)
        asked = {"session_id": "s1", "message": "hold", "external_id": "x1"}
        await client.send("claude_code_message", **asked)
        await until(listening.scripted.held, "the prompt to be held")
        await other.send("claude_code_message", **asked)
        assert await other.quiet()
        listening.scripted.release()
        assert await client.receive() == await other.receive()
        assert listening.scripted.texts("s1") == ["hold"]


async def test_a_failure_is_repeated_too(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        await client.connect(listening.core)
        asked = {"session_id": "s1", "message": "fail out of ideas", "external_id": "x1"}
        failed = refusal("turn_failed", "Claude Code failed: out of ideas", session_id="s1")
        assert await client.ask("claude_code_message", **asked) == failed
        assert await client.ask("claude_code_message", **asked) == failed
        assert len(listening.scripted.texts("s1")) == 1


async def test_another_message_under_the_same_external_id_is_refused(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        await client.connect(listening.core)
        await client.ask("claude_code_message", session_id="s1", message="one", external_id="x1")
        refused = await client.ask("claude_code_message", session_id="s1", message="two", external_id="x1")
        assert refused["code"] == "idempotency_conflict"
        assert listening.scripted.texts("s1") == ["one"]


async def test_an_external_id_belongs_to_its_token(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client, other = await listening.client(), await listening.client(await listening.core.token("alice"))
        await client.connect(listening.core)
        asked = {"session_id": "s1", "message": "hello", "external_id": "x1"}
        first = await client.ask("claude_code_message", **asked)
        second = await other.ask("claude_code_message", **asked)
        assert first["message_id"] != second["message_id"]


# -- costs


async def test_costs_are_summed_and_grouped(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        for session_id, user_id, nanos in (("a1", "alice", 1_000_000), ("b1", "bob", 2_000_000)):
            await client.connect(listening.core, session_id, user_id)
            await client.ask("claude_code_message", session_id=session_id, message=f"pay {nanos}")
        assert await client.ask("get_cost", request_id="r") == {
            "type": "cost",
            "total_usd": 0.003,
            "rows": [],
            "request_id": "r",
        }
        by_user = await client.ask("get_cost", group_by="user")
        assert sorted(by_user["rows"], key=lambda row: str(row["key"])) == [
            {"key": "alice", "cost_usd": 0.001, "message_count": 1, "input_tokens": 10, "output_tokens": 5},
            {"key": "bob", "cost_usd": 0.002, "message_count": 1, "input_tokens": 10, "output_tokens": 5},
        ]
        today = day_text(now_ms() // 86_400_000)
        assert [row["key"] for row in (await client.ask("get_cost", group_by="day"))["rows"]] == [today]
        assert (await client.ask("get_cost", session_id="b1"))["total_usd"] == 0.002
        assert (await client.ask("get_cost", user_id="alice"))["total_usd"] == 0.001
        assert (await client.ask("get_cost", until="2026-01-01"))["total_usd"] == 0
        assert await client.ask("get_cost", since="2026-13-01") == refusal(
            "invalid_message", "get_cost.since: must be a date YYYY-MM-DD or an RFC 3339 time"
        )


# -- subscriptions


async def test_subscriptions_are_listed_whole_and_their_ends_by_name(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        await client.connect(listening.core)
        first = await client.ask("subscribe", topics=["session:s1", "costs"], request_id="r")
        assert first == {"type": "subscribed", "topics": ["costs", "session:s1"], "request_id": "r"}
        assert (await client.ask("subscribe", topics=["user:alice", "sessions", "approvals"]))["topics"] == [
            "approvals", "costs", "session:s1", "sessions", "user:alice"
        ]  # fmt: skip
        ended = await client.ask("unsubscribe", topics=["costs", "session:s1", "costs"])
        assert ended == {"type": "unsubscribed", "topics": ["costs", "session:s1"]}


@pytest.mark.parametrize("topic", ["", "everything", "session", "session:", "user:", "group:x", "costs:today", "Costs"])
async def test_a_topic_that_is_none_is_refused(tmp_path: Path, topic: str) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        for kind in ("subscribe", "unsubscribe"):
            refused = await client.ask(kind, topics=["costs", topic])
            assert refused["code"] == "invalid_message"
            assert refused["message"].startswith(f"{kind}.topics")
        assert not listening.core.hub.wanted("costs")


async def test_subscribers_see_a_turn_as_it_happens(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client, watcher = await listening.client(), await listening.client()
        await client.connect(listening.core)
        await watcher.ask("subscribe", topics=["session:s1", "user:alice", "costs"])
        await client.send("claude_code_message", session_id="s1", message="deny rm -rf /tmp/x")
        started, ended = await watcher.receive(), await watcher.receive()
        assert started["type"] == ended["type"] == "claude_code_tool"
        assert (started["status"], started["name"], started["input"]) == (
            "started",
            "Bash",
            {"command": "rm -rf /tmp/x"},
        )
        assert (ended["status"], ended["name"], bool(ended["result"])) == ("failed", "Bash", True)
        assert "result" not in started
        answer = await client.receive()
        await client.ask("claude_code_message", session_id="s1", message="hello")
        text = ""
        while text != "hello":
            piece = await watcher.receive()
            assert piece["type"] == "claude_code_delta"
            text += piece["text"]
        await client.ask("claude_code_message", session_id="s1", message="pay 1000000")
        cost = await watcher.receive()
        assert checked(cost, message_id=UUID) == {
            "type": "cost_recorded",
            "user_id": "alice",
            "session_id": "s1",
            "cost_usd": 0.001,
            "channel": "socket",
        }
        assert started["message_id"] == answer["message_id"]


async def test_subscribers_hear_of_an_end_that_nobody_asked_for(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        await client.connect(listening.core)
        await client.ask("subscribe", topics=["session:s1"])
        await listening.core.sessions.close_idle([SessionId("s1")], EndReason.IDLE)
        updated = await client.receive()
        assert (updated["type"], updated["status"]) == ("session_updated", SessionStatus.DISCONNECTED)
        assert checked(await client.receive()) == {
            "type": "claude_code_disconnected",
            "session_id": "s1",
            "reason": "Idle timeout",
        }


async def test_an_end_that_was_asked_for_is_answered_once(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        await client.connect(listening.core)
        await client.ask("subscribe", topics=["session:s1"])
        await client.send("claude_code_disconnect", session_id="s1")
        assert (await client.receive_type("claude_code_disconnected"))["reason"] == "User requested"
        assert await client.quiet()


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
        seen = []
        while not seen or seen[-1].get("status") != "disconnected":
            seen.append(await bob.receive())
        assert {frame["user_id"] for frame in seen} == {"bob"}
        assert {frame["type"] for frame in seen} == {"session_updated", "cost_recorded"}


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
            "unsupported",
            "Not supported yet: resolve_approval",
        )


class Broken(Operations):
    """Operations with a fault."""

    def __init__(self) -> None:
        pass

    async def status(self, caller: Caller, session_id: SessionId) -> events.SessionStatusEvent:
        raise RuntimeError("at line 7 of the password file")


async def test_a_fault_of_ours_shows_a_reference_and_the_log_has_the_rest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client_of(Broken())
        answer = await client.ask("get_session_status", session_id="s1", request_id="r")
        found = re.fullmatch(r"Internal error \(([0-9a-f]{8})\)", answer.pop("message"))
        assert answer == {"type": "error", "code": "internal", "session_id": "s1", "request_id": "r"}
        assert found
        assert f"{found[1]}: get_session_status failed" in caplog.text
        assert "at line 7 of the password file" in caplog.text
        assert await client.quiet()


# -- texts and mails from outside


SMS = {"from": "+15550100", "to": "+15550199", "message": "how are you", "user": "alice"}
MAIL = {
    "from": "alice@example.org",
    "to": "xswarm@example.org",
    "subject": "Question",
    "body": "how are you",
    "user": "alice",
}


async def test_a_text_is_answered_on_the_socket(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        answer = await client.ask("sms_received", **SMS, request_id="r")
        assert UUID.fullmatch(answer.pop("message_id"))
        assert answer == {
            "type": "send_sms_response",
            "to": "+15550100",
            "message": "how are you",
            "user": "alice",
            "request_id": "r",
        }


async def test_a_mail_is_answered_on_the_socket(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        answer = await client.ask("email_received", **MAIL, request_id="r")
        assert UUID.fullmatch(answer.pop("message_id"))
        assert answer == {
            "type": "send_email_response",
            "to": "alice@example.org",
            "subject": "Re: Question",
            "body": "how are you",
            "user": "alice",
            "request_id": "r",
        }


async def test_a_sender_is_found_by_address_where_the_name_is_no_user(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        assert (await client.ask("sms_received", **{**SMS, "user": "Alice A."}))["user"] == "Alice A."
        assert (await client.ask("email_received", **{**MAIL, "from": "Alice@Example.org", "user": "x"}))["user"] == "x"
        for kind, fields in (
            ("sms_received", {**SMS, "from": "+15559999", "user": "x"}),
            ("sms_received", {**SMS, "from": "somebody", "user": "x"}),
            ("email_received", {**MAIL, "from": "eve@example.org", "user": "x"}),
            ("email_received", {**MAIL, "from": "", "user": "x"}),
        ):
            answer = await client.ask(kind, **fields)
            assert answer["code"] == ("user_not_found" if fields["from"] else "invalid_message")


async def test_command_words_count_in_texts_and_not_in_messages(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        assert (await client.ask("sms_received", **{**SMS, "message": "status."}))["message"] == "No session is active"
        assert (await client.ask("message", user_id="alice", message="STATUS"))["content"] == "STATUS"


async def test_a_text_that_is_refused_is_answered_with_the_reason(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        asked = {**SMS, "user": "olga", "external_id": "x1"}
        answer = await client.ask("sms_received", **asked)
        assert (answer["type"], "OPERATOR" in answer["message"]) == ("send_sms_response", True)
        assert await client.ask("sms_received", **asked) == answer


@pytest.mark.parametrize("kind", ["sms_received", "email_received"])
async def test_a_slow_answer_is_acknowledged_first(tmp_path: Path, kind: str) -> None:
    soon = config.Supervisor(port=0, ack_after_seconds=0.05)
    async with Listening(tmp_path, supervisor=soon) as listening:
        client = await listening.client()
        fields = {**SMS, "message": "hold"} if kind == "sms_received" else {**MAIL, "body": "hold"}
        first = await client.ask(kind, **fields, request_id="r")
        message_id = first["message_id"]
        assert checked(first, message_id=UUID) == {
            "type": "message_acknowledged",
            "message_type": "sms" if kind == "sms_received" else "email",
            "user": "alice",
            "request_id": "r",
        }
        listening.assistant.release("at last")
        answer = await client.receive()
        assert (answer["message_id"], answer["request_id"]) == (message_id, "r")
        assert answer.get("message", answer.get("body")) == "at last"
        assert await client.quiet()


async def test_nothing_is_acknowledged_where_that_is_turned_off(tmp_path: Path) -> None:
    never = config.Supervisor(port=0, ack_after_seconds=0)
    async with Listening(tmp_path, supervisor=never) as listening:
        client = await listening.client()
        await client.send("sms_received", **{**SMS, "message": "hold"})
        await until(listening.assistant.held, "the prompt to be held")
        assert await client.quiet()
        listening.assistant.release()
        assert (await client.receive())["type"] == "send_sms_response"


async def test_a_text_received_twice_is_answered_twice_and_run_once(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        first = await client.ask("sms_received", **SMS, external_id="x1", request_id="r1")
        again = await client.ask("sms_received", **SMS, external_id="x1", request_id="r2")
        assert {**again, "request_id": "r1"} == first
        assert len(listening.assistant.prompts) == 1
        assert await client.quiet()


async def test_a_text_repeated_while_it_runs_gets_one_answer_for_each_request(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client, other = await listening.client(), await listening.client()
        asked = {**SMS, "message": "hold", "external_id": "x1"}
        await client.send("sms_received", **asked, request_id="r1")
        await until(listening.assistant.held, "the prompt to be held")
        await other.send("sms_received", **asked, request_id="r2")
        assert await other.quiet()
        await until(lambda: len(listening.server.replies._expected) == 1, "the repetition to be waited for")
        listening.assistant.release()
        answers = await client.receive(), await other.receive()
        assert [answer["request_id"] for answer in answers] == ["r1", "r2"]
        assert len({answer["message_id"] for answer in answers}) == 1
        assert await client.quiet()
        assert await other.quiet()


async def test_a_command_word_received_twice_is_carried_out_once(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client, worker = await listening.client(), await listening.client()
        await worker.connect(listening.core)
        abort = {**SMS, "message": "ABORT", "external_id": "x1"}
        first = await client.ask("sms_received", **abort)
        await worker.send("claude_code_message", session_id="s1", message="hold")
        await until(listening.scripted.held, "the prompt to be held")
        assert await client.ask("sms_received", **abort) == first
        assert listening.scripted.held()
        listening.scripted.release()
        assert (await worker.receive())["content"] == "released"


async def test_mails_that_answer_each_other_are_one_conversation(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()

        async def session_of(**fields: str) -> str:
            answer = await client.ask("email_received", **{**MAIL, "body": "run it"}, **fields)
            found = await listening.core.store.turns.result(answer["message_id"])
            assert found is not None
            assert found.turn.session_id is not None
            return found.turn.session_id

        first = await session_of(external_id="<1@example.org>")
        assert await session_of(external_id="<2@example.org>", in_reply_to="<1@example.org>") == first
        assert await session_of(external_id="<3@example.org>", in_reply_to="<2@example.org>") == first
        other = await session_of(external_id="<4@example.org>")
        assert other != first
        assert await session_of() not in (first, other)
        ours = await session_of(in_reply_to="<ours@example.org>")
        assert await session_of(in_reply_to="<ours@example.org>") == ours


async def test_a_reply_names_its_project_where_its_reader_has_several(tmp_path: Path) -> None:
    second = {"second": config.Project(path=str(tmp_path), users=("alice",))}
    async with Listening(tmp_path, projects=second) as listening:
        client = await listening.client()
        asked = {**SMS, "message": "@site run it", "external_id": "x1"}
        answer = await client.ask("sms_received", **asked)
        assert answer["message"] == "[site] run it"
        assert await client.ask("sms_received", **asked) == answer
