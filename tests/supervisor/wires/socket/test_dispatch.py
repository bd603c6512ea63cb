"""Sessions, messages, costs and subscriptions of docs/protocol.md, over a real connection and a real core."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from supervisor.config import ProjectConfig
from supervisor.protocol.events import OMIT, ClaudeCodeStuck, CostAlert, CostRecorded
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import EndReason, SessionStatus
from supervisor.protocol.times import day_text, now_ms
from tests.supervisor.wires.socket.socket_serving import TIME, UUID, Listening, checked, refusal
from tests.waiting import until

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
            "kind": "claude_code",
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
            "turn_failed", "Claude Code failed: interrupted by service", session_id="s1"
        )


async def test_disconnecting_with_a_turn_running_fails_what_waits(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client, other = await listening.client(), await listening.client()
        await client.connect(listening.core)
        await client.send("claude_code_message", session_id="s1", message="hold", request_id="running")
        await until(listening.scripted.held, "the prompt to be held")
        await client.send("claude_code_message", session_id="s1", message="waits", request_id="waiting")
        assert await client.quiet()
        await until(lambda: listening.core.turns.queued, "the second prompt to wait")
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
            "id", "direction", "message", "timestamp", "cost_usd", "status", "context", "user_id", "reply_to"
        }  # fmt: skip
        ids = [m["id"] for m in history["messages"]]
        assert [m["reply_to"] for m in history["messages"]] == [None, ids[0], None, ids[2]]
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


@pytest.mark.usefixtures("one_utc_day")
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
        over = await watcher.receive_type("claude_code_ended")
        ended_id = over["message_id"]
        assert checked(over, message_id=UUID, duration_ms=re.compile(r"\d+")) == {
            "type": "claude_code_ended",
            "session_id": "s1",
            "user_id": "alice",
            "status": "completed",
            "cost_usd": 0.0,
        }
        answer = await client.receive()
        await client.ask("claude_code_message", session_id="s1", message="hello")
        text = ""
        while text != "hello":
            piece = await watcher.receive()
            assert piece["type"] == "claude_code_delta"
            text += piece["text"]
        await client.ask("claude_code_message", session_id="s1", message="pay 1000000")
        cost = await watcher.receive_type("cost_recorded")
        assert checked(cost, message_id=UUID) == {
            "type": "cost_recorded",
            "user_id": "alice",
            "session_id": "s1",
            "cost_usd": 0.001,
            "channel": "socket",
        }
        assert started["message_id"] == ended_id == answer["message_id"]


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


async def test_what_was_shared_is_heard_no_more_once_it_is_not(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    table = ProjectConfig(path=str(tmp_path / "team"), shared=True)
    async with Listening(tmp_path, projects={"team": table}, check_seconds=0.01) as listening:
        await listening.core.accounts.put_user("alice", name="Alice", role="ADMIN", projects=["team"])
        await listening.core.accounts.put_user("bob", name="Bob", role="COORDINATOR", projects=["team"])
        client, bob = await listening.client(), await listening.client(await listening.core.token("bob"))
        await client.connect(listening.core, path=tmp_path / "team")
        assert (await bob.ask("subscribe", topics=["session:s1"]))["type"] == "subscribed"
        await client.send("claude_code_message", session_id="s1", message="one")
        assert (await bob.receive_type("claude_code_delta"))["text"] == "one\n\n(written by Alice)"
        await listening.core.accounts.put_user("bob", name="Bob", role="COORDINATOR", projects=[])
        await until(lambda: not listening.core.hub.wanted("session:s1"), "what is not shared is not sent any more")


async def test_a_user_hears_what_becomes_of_their_prompts_by_their_own_token(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        bob = await listening.client(await listening.core.token("bob"))
        await bob.connect(listening.core, user_id="bob")
        await bob.ask("subscribe", topics=["session:s1"])
        await bob.send("claude_code_message", session_id="s1", message="hold")
        await until(listening.scripted.held, "the prompt to be held")
        await bob.send("claude_code_message", session_id="s1", message="next", external_id="x1")
        queued = await bob.receive_type("claude_code_queued")
        assert (queued["external_id"], queued["user_id"], queued["ahead"]) == ("x1", "bob", 1)
        stuck = ClaudeCodeStuck(session_id="s1", message_id="m1", silent_seconds=601)
        listening.core.hub.publish(stuck, ["session:s1", "user:bob"])
        assert (await bob.receive_type("claude_code_stuck"))["silent_seconds"] == 601
        listening.scripted.release()


async def test_a_user_hears_of_their_own_limits_alone(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        bob = await listening.client(await listening.core.token("bob"))
        await bob.connect(listening.core, user_id="bob")
        await bob.ask("subscribe", topics=["user:bob", "session:s1", "costs"])
        others, own = [("system", ""), ("user", "alice"), ("session", "other")], [("user", "bob"), ("session", "s1")]
        for scope, name in (*others, *own):
            alert = CostAlert(scope=scope, id=name, spent_usd=4.0, limit_usd=5.0, level="warning")
            listening.core.hub.publish(alert, ("costs", "user:bob", "session:s1"))
        for name, user_id, session_id in (("m1", "alice", "s2"), ("m2", "bob", OMIT), ("m3", "alice", "s1")):
            alert = CostAlert(
                scope="message",
                id=name,
                spent_usd=4.0,
                limit_usd=5.0,
                level="warning",
                user_id=user_id,
                session_id=session_id,
            )
            listening.core.hub.publish(alert, ("costs", "session:s1"))
        heard = [await bob.receive_type("cost_alert") for _ in range(4)]
        assert [(one["scope"], one["id"]) for one in heard] == [*own, ("message", "m2"), ("message", "m3")]
        assert [("session_id" in one, "user_id" in one) for one in heard[1:]] == [
            (False, False),
            (False, True),
            (True, True),
        ]
        assert await bob.quiet()


@pytest.mark.parametrize(("name", "sees"), [("alice", True), ("olga", True), ("bob", False)])
async def test_administrators_and_operators_hear_of_everybodys_limits_by_their_own_tokens(
    tmp_path: Path, name: str, sees: bool
) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client(await listening.core.token(name))
        await client.ask("subscribe", topics=["costs"])
        everybodys = [("system", ""), ("user", "dora"), ("session", "other"), ("message", "m1")]
        for scope, key in everybodys:
            alert = CostAlert(scope=scope, id=key, spent_usd=4.0, limit_usd=5.0, level="warning")
            listening.core.hub.publish(alert, ("costs",))
        heard = [await client.receive_type("cost_alert") for _ in everybodys] if sees else []
        assert [(one["scope"], one["id"]) for one in heard] == (everybodys if sees else [])
        assert await client.quiet()


async def test_who_is_an_administrator_no_more_hears_no_more_of_everybodys_limits(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client(await listening.core.token("alice"))
        await client.ask("subscribe", topics=["costs"])
        alert = CostAlert(scope="system", id="", spent_usd=4.0, limit_usd=5.0, level="warning")
        listening.core.hub.publish(alert, ("costs",))
        assert (await client.receive_type("cost_alert"))["scope"] == "system"
        await listening.core.accounts.put_user("alice", name="Alice", role="COORDINATOR")
        listening.core.hub.publish(alert, ("costs",))
        assert await client.quiet()


async def test_what_others_spend_is_sent_to_an_administrators_own_token_but_not_to_a_coordinators(
    tmp_path: Path,
) -> None:
    async with Listening(tmp_path) as listening:
        admin = await listening.client(await listening.core.token("alice"))
        coordinator = await listening.client(await listening.core.token("bob"))
        for client in (admin, coordinator):
            await client.ask("subscribe", topics=["costs"])
        for user_id in ("alice", "bob"):
            cost = CostRecorded(
                user_id=user_id, session_id="s1", message_id="m1", cost_usd=1.0, channel="socket", timestamp=STAMP
            )
            listening.core.hub.publish(cost, ("costs",))
        assert (await coordinator.receive_type("cost_recorded"))["user_id"] == "bob"
        assert await coordinator.quiet()
        assert (await admin.receive_type("cost_recorded"))["user_id"] == "alice"
        assert (await admin.receive_type("cost_recorded"))["user_id"] == "bob"


STAMP = "2026-01-01T00:00:00Z"
