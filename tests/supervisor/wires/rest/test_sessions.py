"""Sessions over a real port: the rows of docs/protocol.md about them."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

from supervisor.protocol.messages import ProjectName, SessionId, UserId
from supervisor.protocol.status import SessionStatus
from supervisor.protocol.times import now_ms
from supervisor.store.records.session import NewSession
from tests.supervisor.harness import SERVICE
from tests.supervisor.wires.http.serving import SESSIONS, Served, refusal
from tests.waiting import until


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
        "kind": "claude_code",
        "title": "",
    }
    cost = (await served.service.get(f"{SESSIONS}/{session_id}/cost")).json()
    assert cost == {name: session[name] for name in ("session_id", "cost_usd", "message_count", "status")} | {
        "duration_seconds": cost["duration_seconds"]
    }


async def test_a_page_of_sessions_is_cut_by_size_and_the_cursor_goes_on_from_there(served: Served) -> None:
    for number in range(300):
        fresh = NewSession(
            id=SessionId(f"s{number}"),
            user_id=UserId("alice"),
            project=ProjectName("site"),
            project_path="/" + "p" * 4095,
            conversation_id=f"c{number}",
        )
        await served.core.store.sessions.create(fresh, status=SessionStatus.IDLE, now_ms=number)
    sizes = []
    params = {"limit": "500"}
    while True:
        response = await served.service.get(SESSIONS, params=params)
        assert len(response.content) <= 2**20
        sizes.append(len(response.json()["sessions"]))
        if (cursor := response.json()["next_cursor"]) is None:
            break
        params["cursor"] = cursor
    assert sum(sizes) == 300
    assert len(sizes) == 2


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
    assert refusal(await waiting) == (502, "turn_failed", "Claude Code failed: interrupted by service")
    nothing = (await served.service.post(f"{SESSIONS}/{session_id}/interrupt")).json()
    assert (nothing["message_id"], nothing["partial"]) == (None, False)


def _partial(served: Served, session_id: str) -> bool:
    running = served.core.turns.running(session_id)
    return running is not None and bool(running.text)


async def test_service_token_of_the_environment_acts_for_everybody(served: Served) -> None:
    client = await served.client(SERVICE)
    assert await served.session("bob", client)
    assert await served.session("alice", client)


async def test_the_duration_is_the_same_whole_number_in_every_answer_and_in_the_view(served: Served) -> None:
    session_id = await served.session()
    url = f"{SESSIONS}/{session_id}"
    await served.service.delete(url)
    with closing(sqlite3.connect(served.core.folder / "xswarm.db", isolation_level=None)) as connection:
        connection.execute("UPDATE claude_code_sessions SET started_ms = ended_ms - 61999")
        (in_view,) = connection.execute("SELECT duration_seconds FROM claude_code_session_stats").fetchone()
        assert (in_view, type(in_view)) == (61, int)
        listed = (await served.service.get(SESSIONS)).json()["sessions"][0]
        for body in (listed, (await served.service.get(url)).json(), (await served.service.get(f"{url}/cost")).json()):
            assert (body["duration_seconds"], type(body["duration_seconds"])) == (61, int)
        connection.execute(
            "UPDATE claude_code_sessions SET ended_ms = NULL, status = 'idle', started_ms = ?", (now_ms() - 90_500,)
        )
        before = (await served.service.get(url)).json()["duration_seconds"]
        (in_view,) = connection.execute("SELECT duration_seconds FROM claude_code_session_stats").fetchone()
        after = (await served.service.get(url)).json()["duration_seconds"]
        assert 90 <= before <= in_view <= after
