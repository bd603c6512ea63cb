"""REST over a real port: the rows of protocol.md section 2 on sessions, messages and health."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from supervisor.wires.rest.sessions import CHANNEL
from tests.supervisor.harness import SERVICE
from tests.supervisor.wires.http.serving import ROUTE, SESSIONS, Served, refusal
from tests.waiting import until


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with Served(tmp_path) as served:
        yield served


# -- sessions


async def test_session_is_created_with_an_id_of_ours(served: Served) -> None:
    body = {"user_id": "alice", "project_path": str(served.core.site), "more": "is ignored"}
    response = await served.service.post(SESSIONS, json=body)
    assert response.status_code == 201
    created = response.json()
    assert set(created) == {"session_id", "status", "user_id", "project_path", "timestamp"}
    assert created["status"] == "connected"
    assert created["user_id"] == "alice"
    assert created["project_path"] == str(served.core.site)
    assert created["timestamp"].endswith("Z")
    assert await served.session() != created["session_id"]


async def test_session_reports_how_it_stands(served: Served) -> None:
    session_id = await served.session()
    await served.prompt(session_id, "hello")
    session = (await served.service.get(f"{SESSIONS}/{session_id}")).json()
    assert session == {
        "session_id": session_id,
        "user_id": "alice",
        "project_path": str(served.core.site),
        "status": "active",
        "cost_usd": 0.0,
        "message_count": 1,
        "duration_seconds": session["duration_seconds"],
        "started_at": session["started_at"],
        "last_activity": session["last_activity"],
        "ended_at": None,
    }
    cost = (await served.service.get(f"{SESSIONS}/{session_id}/cost")).json()
    assert cost == {name: session[name] for name in ("session_id", "cost_usd", "message_count", "status")} | {
        "duration_seconds": cost["duration_seconds"]
    }


async def test_sessions_are_listed_by_page(served: Served) -> None:
    made = [await served.session() for _ in range(5)]
    listed: list[str] = []
    cursor: str | None = None
    sizes = []
    while True:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await served.service.get(SESSIONS, params=params)).json()
        listed += [session["session_id"] for session in page["sessions"]]
        sizes.append(len(page["sessions"]))
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert listed == made[::-1]
    assert sizes == [2, 2, 1]


async def test_sessions_are_filtered_by_user_and_status(served: Served) -> None:
    of_alice, of_bob, ended = await served.session(), await served.session("bob"), await served.session()
    await served.service.delete(f"{SESSIONS}/{ended}")

    async def ids(**params: str) -> set[str]:
        page = (await served.service.get(SESSIONS, params=params)).json()
        return {session["session_id"] for session in page["sessions"]}

    assert await ids() == {of_alice, of_bob, ended}
    assert await ids(user_id="bob") == {of_bob}
    assert await ids(status="disconnected") == {ended}
    assert await ids(status="active", user_id="alice") == {of_alice}


async def test_session_is_ended_once(served: Served) -> None:
    session_id = await served.session()
    ended = (await served.service.delete(f"{SESSIONS}/{session_id}")).json()
    assert ended == {"session_id": session_id, "reason": "User requested", "timestamp": ended["timestamp"]}
    gone = f"Session is not active: {session_id}"
    assert refusal(await served.service.delete(f"{SESSIONS}/{session_id}")) == (409, "session_not_active", gone)
    assert refusal(await served.prompt(session_id, "hello")) == (409, "session_not_active", gone)


async def test_interrupt_stops_the_running_turn_and_its_caller_is_told(served: Served) -> None:
    session_id = await served.session()
    waiting = asyncio.create_task(served.prompt(session_id, "hold"), name="waiting")
    await until(lambda: served.core.scripted.prompts == ["hold"], "the prompt is written")
    await until(lambda: _partial(served, session_id), "it has begun to answer")
    stopped = (await served.service.post(f"{SESSIONS}/{session_id}/interrupt")).json()
    assert set(stopped) == {"session_id", "message_id", "partial", "timestamp"}
    assert stopped["partial"] is True
    assert refusal(await waiting) == (502, "turn_failed", "Claude Code failed: interrupted")
    nothing = (await served.service.post(f"{SESSIONS}/{session_id}/interrupt")).json()
    assert (nothing["message_id"], nothing["partial"]) == (None, False)


def _partial(served: Served, session_id: str) -> bool:
    running = served.core.turns.running(session_id)
    return running is not None and bool(running.text)


# -- messages


async def test_prompt_is_answered(served: Served) -> None:
    session_id = await served.session()
    response = await served.service.post(
        f"{SESSIONS}/{session_id}/messages", json={"message": "hello", "context": {"file": "a.py"}}
    )
    assert response.status_code == 200
    answer = response.json()
    assert set(answer) == {"message_id", "content", "cost_usd", "timestamp"}
    assert answer["content"] == "hello"
    history = (await served.service.get(f"{SESSIONS}/{session_id}/messages")).json()
    assert history["session_id"] == session_id
    asked, answered = history["messages"]
    assert set(asked) == {"id", "direction", "message", "timestamp", "cost_usd", "status", "context", "user_id"}
    assert asked["user_id"] == "alice"
    assert (asked["id"], asked["direction"], asked["context"]) == (
        answer["message_id"],
        "to_claude",
        {"file": "a.py"},
    )
    assert (answered["direction"], answered["message"]) == ("from_claude", "hello")


async def test_history_is_read_backwards(served: Served) -> None:
    session_id = await served.session()
    for text in ("one", "two", "three"):
        await served.prompt(session_id, text)
    path = f"{SESSIONS}/{session_id}/messages"
    newest = (await served.service.get(path, params={"limit": 2})).json()["messages"]
    assert [one["message"] for one in newest] == ["three", "three"]
    older = (await served.service.get(path, params={"limit": 3, "before": newest[0]["id"]})).json()["messages"]
    assert [one["message"] for one in older] == ["one", "two", "two"]


async def test_message_is_followed_by_its_id(served: Served) -> None:
    session_id = await served.session()
    message_id = (await served.prompt(session_id, "hello")).json()["message_id"]
    found = (await served.service.get(f"/api/messages/{message_id}")).json()
    assert found | {"duration_ms": 0, "accepted_at": "", "ended_at": "", "usage": {}} == {
        "message_id": message_id,
        "state": "completed",
        "target": "claude_code",
        "reason": "sent to the session",
        "user_id": "alice",
        "session_id": session_id,
        "channel": CHANNEL,
        "message": "hello",
        "answer": "hello",
        "error": "",
        "stop_reason": "end_turn",
        "cost_usd": 0.0,
        "usage": {},
        "duration_ms": 0,
        "accepted_at": "",
        "ended_at": "",
    }
    assert set(found["usage"]) >= {"input_tokens", "output_tokens"}


async def test_message_that_failed_says_why(served: Served) -> None:
    session_id = await served.session()
    failed = await served.prompt(session_id, "fail the disk is gone")
    assert refusal(failed) == (502, "turn_failed", "Claude Code failed: the disk is gone")
    last = (await served.service.get(f"{SESSIONS}/{session_id}/messages")).json()["messages"][0]
    found = (await served.service.get(f"/api/messages/{last['id']}")).json()
    assert (found["state"], found["error"]) == ("failed", "the disk is gone")


async def test_turn_that_timed_out_is_504(served: Served) -> None:
    late = await served.prompt(await served.session(), "time out")
    assert (late.status_code, late.json()["code"]) == (504, "turn_failed")


async def test_client_that_leaves_does_not_stop_its_turn(served: Served) -> None:
    session_id = await served.session()
    waiting = asyncio.create_task(served.prompt(session_id, "hold"), name="the client")
    await until(lambda: served.core.scripted.prompts == ["hold"], "the prompt is written")
    waiting.cancel()
    await asyncio.wait([waiting])
    served.core.scripted.release()

    async def answers() -> list[str]:
        history = (await served.service.get(f"{SESSIONS}/{session_id}/messages")).json()["messages"]
        return [one["message"] for one in history if one["direction"] == "from_claude"]

    await until(lambda: _equal(answers(), ["released"]), "the answer is in the history")


async def _equal(found: Any, wanted: object) -> bool:
    return bool(await found == wanted)


# -- health and description


async def test_health_needs_no_token(tmp_path: Path) -> None:
    parts = {"store": True, "mail": True}
    async with Served(tmp_path, parts=lambda: parts) as served:
        nobody = await served.client(None)
        assert (await nobody.get("/healthz")).json() == {"status": "ok"}
        ready = await nobody.get("/readyz")
        assert (ready.status_code, ready.json()) == (200, {"status": "ok", "parts": {"store": "ok", "mail": "ok"}})
        parts["mail"] = False
        failing = await nobody.get("/readyz")
        assert failing.status_code == 503
        assert failing.json() == {"status": "failed", "parts": {"store": "ok", "mail": "failed"}}


async def test_interface_is_described_and_loads_nothing_from_elsewhere(served: Served) -> None:
    paths = (await served.service.get("/openapi.json")).json()["paths"]
    rows = {
        ("post", SESSIONS),
        ("get", SESSIONS),
        ("get", SESSIONS + "/{session_id}"),
        ("delete", SESSIONS + "/{session_id}"),
        ("get", SESSIONS + "/{session_id}/messages"),
        ("post", SESSIONS + "/{session_id}/messages"),
        ("post", SESSIONS + "/{session_id}/interrupt"),
        ("get", SESSIONS + "/{session_id}/cost"),
        ("post", ROUTE),
        ("get", "/api/costs"),
        ("get", "/api/messages/{message_id}"),
        ("get", "/healthz"),
        ("get", "/readyz"),
    }
    assert rows <= {(method, path) for path, methods in paths.items() for method in methods}
    for page in ("/docs", "/redoc"):
        assert (await served.service.get(page)).status_code == 404


async def test_service_token_of_the_environment_acts_for_everybody(served: Served) -> None:
    client = await served.client(SERVICE)
    assert await served.session("bob", client)
    assert await served.session("alice", client)
