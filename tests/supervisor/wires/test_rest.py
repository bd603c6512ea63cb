"""REST over a real port: each row of protocol.md section 2, and each way to be refused."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor import config
from supervisor.identity import Caller
from supervisor.protocol.messages import SessionId
from supervisor.wires.rest import CHANNEL
from tests.supervisor.harness import ALICE_MAIL, ALICE_PHONE, SERVICE
from tests.supervisor.scripted import ScriptedConnector
from tests.supervisor.wires.serving import ROUTE, SESSIONS, Served, refusal
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
    assert set(asked) == {"id", "direction", "message", "timestamp", "cost_usd", "status", "context"}
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
    with pytest.raises(httpx.ReadTimeout):
        await served.prompt(session_id, "hold", timeout=0.5)
    await until(lambda: served.core.scripted.prompts == ["hold"], "the prompt is written")
    served.core.scripted.release()

    async def answers() -> list[str]:
        history = (await served.service.get(f"{SESSIONS}/{session_id}/messages")).json()["messages"]
        return [one["message"] for one in history if one["direction"] == "from_claude"]

    await until(lambda: _equal(answers(), ["released"]), "the answer is in the history")


async def _equal(found: Any, wanted: object) -> bool:
    return bool(await found == wanted)


# -- route-conversation


@pytest.mark.parametrize("sender", [ALICE_PHONE, ALICE_MAIL, "Alice@Example.ORG", "alice"])
async def test_conversation_is_routed_by_phone_mail_address_or_user_id(served: Served, sender: str) -> None:
    body = {"from": sender, "message": "fix the tests", "channel": "sms"}
    response = await served.service.post(ROUTE, json=body)
    assert response.status_code == 200
    routed = response.json()
    assert routed == {
        "routed": True,
        "user_id": "alice",
        "message": "fix the tests",
        "channel": "sms",
        "action": "routed_to_claude_code",
        "session_id": routed["session_id"],
        "message_id": routed["message_id"],
    }

    async def state() -> str:
        return str((await served.service.get(f"/api/messages/{routed['message_id']}")).json()["state"])

    await until(lambda: _equal(state(), "completed"), "it was run")
    found = (await served.service.get(f"/api/messages/{routed['message_id']}")).json()
    assert (found["answer"], found["session_id"], found["channel"]) == ("fix the tests", routed["session_id"], "sms")


async def test_answer_of_a_routed_conversation_is_sent_to_nobody(served: Served) -> None:
    await served.service.post(ROUTE, json={"from": ALICE_PHONE, "message": "fix the tests", "channel": "sms"})
    await until(lambda: served.core.scripted.prompts, "it runs")
    await until(lambda: not served.core.turns.busy_count(), "it has ended")
    assert not sum((await served.core.store.outbox.counts()).values())


async def test_next_text_follows_the_conversation(served: Served) -> None:
    body = {"from": ALICE_PHONE, "message": "fix the tests", "channel": "sms"}
    first = (await served.service.post(ROUTE, json=body)).json()
    await until(lambda: served.core.scripted.prompts and not served.core.turns.busy_count(), "it has ended")
    second = (await served.service.post(ROUTE, json=body | {"message": "and then?"})).json()
    assert second["session_id"] == first["session_id"]


async def test_conversation_for_the_assistant_is_not_routed_and_accepts_nothing(served: Served) -> None:
    response = await served.service.post(ROUTE, json={"from": "bob", "message": "how are you?", "channel": "sms"})
    assert (response.status_code, response.json()) == (200, {"routed": False, "reason": "no keyword"})
    costs = (await served.service.get("/api/costs", params={"user_id": "bob", "group_by": "user"})).json()
    assert costs["rows"] == []
    assert await served.core.store.turns.pending_count() == 0
    assistant = served.core.assistant_connector
    assert isinstance(assistant, ScriptedConnector)
    assert assistant.prompts == []


async def test_conversation_of_somebody_without_the_right_is_not_routed(served: Served) -> None:
    response = await served.service.post(ROUTE, json={"from": "olga", "message": "fix the tests", "channel": "sms"})
    assert response.json()["routed"] is False
    assert "OPERATOR" in response.json()["reason"]


@pytest.mark.parametrize("sender", ["+15559999", "nobody@example.org", "nobody", "@", "+", "a@b@c", "alice "])
async def test_conversation_of_an_unknown_sender_is_404(served: Served, sender: str) -> None:
    response = await served.service.post(ROUTE, json={"from": sender, "message": "fix the tests", "channel": "sms"})
    assert refusal(response) == (404, "user_not_found", "User not found")


async def test_mail_does_not_reach_a_project_with_full_permissions(served: Served) -> None:
    await served.operator.put("/api/admin/users/bob", json={"name": "Bob", "role": "ADMIN", "projects": ["open"]})
    body = {"from": "bob", "message": "@open fix the tests"}
    by_mail = (await served.service.post(ROUTE, json=body | {"channel": "email"})).json()
    assert by_mail["routed"] is False


# -- costs


async def test_costs_are_grouped(served: Served) -> None:
    session_id = await served.session()
    await served.prompt(session_id, "one")
    await served.prompt(await served.session("bob"), "two")
    total = (await served.service.get("/api/costs")).json()
    assert total == {"total_usd": 0.0, "rows": []}
    by_user = (await served.service.get("/api/costs", params={"group_by": "user"})).json()["rows"]
    assert {row["key"]: row["message_count"] for row in by_user} == {"alice": 1, "bob": 1}
    assert set(by_user[0]) == {"key", "cost_usd", "message_count", "input_tokens", "output_tokens"}
    params = {"session_id": session_id, "group_by": "channel", "since": "2020-01-01"}
    by_channel = (await served.service.get("/api/costs", params=params)).json()["rows"]
    assert [(row["key"], row["message_count"]) for row in by_channel] == [(CHANNEL, 1)]


@pytest.mark.parametrize("since", ["yesterday or so", "0001-01-01T00:00:00+14:00", "2024-13-01"])
async def test_cost_of_no_date_is_refused(served: Served, since: str) -> None:
    status, code, text = refusal(await served.service.get("/api/costs", params={"since": since}))
    assert (status, code) == (422, "invalid_message")
    assert "since" in text


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


# -- refusals


async def test_everything_else_needs_a_token(served: Served) -> None:
    paths = (await served.service.get("/openapi.json")).json()["paths"]
    stranger = await served.client("xsw_guessed")
    nobody = await served.client(None)
    for path, methods in paths.items():
        if path in ("/healthz", "/readyz"):
            continue
        for method in methods:
            for client in (nobody, stranger):
                # Its broken body is not looked at before the token.
                response = await client.request(method, path, content=b"{")
                assert refusal(response) == (401, "not_authenticated", "Not authenticated"), path
                assert response.headers["www-authenticate"] == "Bearer"
    assert (await nobody.get("/openapi.json")).status_code == 401
    assert (await nobody.get("/nowhere")).status_code == 401


async def test_revoked_token_is_refused_at_once(served: Served) -> None:
    made = (await served.operator.post("/api/admin/tokens", json={"user_id": "alice"})).json()
    client = await served.client(made["token"])
    assert (await client.get(SESSIONS)).status_code == 200
    assert (await served.operator.delete(f"/api/admin/tokens/{made['id']}")).status_code == 204
    assert (await client.get(SESSIONS)).status_code == 401


async def test_jwt_is_a_token(served: Served) -> None:
    made = (await served.operator.post("/api/admin/jwt", json={"user_id": "bob", "minutes": 5})).json()
    client = await served.client(made["token"])
    assert await served.session("bob", client)
    body = {"user_id": "alice", "project_path": str(served.core.site)}
    assert (await client.post(SESSIONS, json=body)).status_code == 404


async def test_other_users_sessions_do_not_exist(served: Served) -> None:
    bob = await served.client_of("bob")
    session_id = await served.session()
    message_id = (await served.prompt(session_id, "hello")).json()["message_id"]
    path = f"{SESSIONS}/{session_id}"
    missing = (404, "session_not_found", f"Session not found: {session_id}")
    for method, suffix in (
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/messages"),
        ("POST", "/messages"),
        ("POST", "/interrupt"),
        ("GET", "/cost"),
    ):
        body = {"message": "hello"} if method == "POST" else None
        assert refusal(await bob.request(method, path + suffix, json=body)) == missing
    assert refusal(await bob.get(f"/api/messages/{message_id}"))[:2] == (404, "message_not_found")
    assert refusal(await bob.get("/api/costs", params={"session_id": session_id})) == missing
    assert refusal(await bob.get("/api/costs", params={"user_id": "alice"}))[:2] == (404, "user_not_found")
    assert refusal(await bob.get(SESSIONS, params={"user_id": "alice"}))[:2] == (404, "user_not_found")
    assert (await bob.get(SESSIONS)).json()["sessions"] == []
    assert (await bob.get("/api/costs", params={"group_by": "user"})).json()["rows"] == []
    routed = await bob.post(ROUTE, json={"from": ALICE_PHONE, "message": "fix it", "channel": "sms"})
    assert refusal(routed) == (404, "user_not_found", "User not found")


async def test_unknown_things_are_404(served: Served) -> None:
    assert refusal(await served.service.get(f"{SESSIONS}/nothing")) == (
        404,
        "session_not_found",
        "Session not found: nothing",
    )
    body = {"user_id": "nobody", "project_path": str(served.core.site)}
    assert refusal(await served.service.post(SESSIONS, json=body)) == (
        404,
        "user_not_found",
        "User not found: nobody",
    )
    assert refusal(await served.service.get("/api/messages/nothing"))[:2] == (404, "message_not_found")
    assert refusal(await served.service.get("/api/nothing"))[:2] == (404, "not_found")
    wrong = await served.service.patch(SESSIONS)
    assert refusal(wrong)[:2] == (405, "method_not_allowed")
    assert wrong.headers["allow"]


@pytest.mark.parametrize("path", ["/etc", "site", "{vault}", "{site}/../vault", "{site}/missing", "{site}/\0"])
async def test_folder_outside_the_users_projects_is_403(served: Served, path: str) -> None:
    path = path.format(site=served.core.site, vault=served.core.vault)
    response = await served.service.post(SESSIONS, json={"user_id": "bob", "project_path": path})
    assert refusal(response) == (403, "project_not_allowed", f"Project not allowed: {path}")


async def test_role_without_prompts_is_403(served: Served) -> None:
    body = {"user_id": "olga", "project_path": str(served.core.site)}
    assert refusal(await served.service.post(SESSIONS, json=body))[:2] == (403, "not_allowed")


async def test_right_that_was_taken_away_ends_in_open_sessions_too(served: Served) -> None:
    session_id = await served.session("bob")
    await served.operator.put("/api/admin/users/bob", json={"name": "Bob", "role": "OPERATOR"})
    assert refusal(await served.prompt(session_id, "hello"))[:2] == (403, "not_allowed")
    assert served.core.scripted.prompts == []


async def test_one_session_too_many_is_409(tmp_path: Path) -> None:
    async with Served(tmp_path, claude_code=config.ClaudeCode(max_sessions=1)) as served:
        await served.session()
        body = {"user_id": "bob", "project_path": str(served.core.site)}
        refused = refusal(await served.service.post(SESSIONS, json=body))
        assert refused == (409, "max_sessions", "Maximum number of sessions (1) reached")


async def test_claude_code_that_does_not_start_is_502(served: Served) -> None:
    served.core.scripted.refusing = "no such program"
    body = {"user_id": "bob", "project_path": str(served.core.site)}
    refused = refusal(await served.service.post(SESSIONS, json=body))
    assert refused == (502, "connection_failed", "Failed to connect to Claude Code: no such program")


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe", b"[" * 50_000, b"1" * 5_000, b'{"message": NaN'])
async def test_broken_json_is_400(served: Served, content: bytes) -> None:
    response = await served.service.post(
        f"{SESSIONS}/any/messages", content=content, headers={"Content-Type": "application/json"}
    )
    status, code, text = refusal(response)
    assert (status, code) == (422 if not content else 400, "invalid_message")
    assert "body" in text


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, "message: field required"),
        ({"message": ""}, "message"),
        ({"message": 3}, "message"),
        ({"message": None}, "message"),
        ({"message": "\ud800"}, "message"),
        ({"message": "a", "context": []}, "context"),
        ({"message": "a", "context": {"a": "\ud800"}}, "context"),
        ({"message": "a", "context": {"a": float("nan")}}, "context"),
        ({"message": "a", "context": {"a": 1e999}}, "context"),
        ([], "body"),
        ("text", "body"),
        (None, "body"),
    ],
)
async def test_field_that_fails_is_named(served: Served, body: object, names: str) -> None:
    response = await served.service.post(
        f"{SESSIONS}/any/messages", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    status, code, text = refusal(response)
    assert (status, code) == (422, "invalid_message")
    assert text.startswith(names)


async def test_form_instead_of_json_is_told_what_is_wanted(served: Served) -> None:
    response = await served.service.post(SESSIONS, data={"user_id": "alice"})
    assert refusal(response) == (422, "invalid_message", "body: must be a JSON object, sent as application/json")


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (f"{SESSIONS}?limit=0", "limit"),
        (f"{SESSIONS}?limit=501", "limit"),
        (f"{SESSIONS}?limit=many", "limit"),
        (f"{SESSIONS}?status=asleep", "status"),
        (f"{SESSIONS}?cursor=!", "cursor"),
        (f"{SESSIONS}?cursor=", "cursor"),
        (f"{SESSIONS}?cursor=OjE", "cursor"),
        (f"{SESSIONS}/any/messages?limit=-1", "limit"),
        ("/api/costs?group_by=colour", "group_by"),
        ("/api/costs?since=now", "since"),
    ],
)
async def test_parameter_that_fails_is_named(served: Served, path: str, names: str) -> None:
    status, code, text = refusal(await served.service.get(path))
    assert (status, code) == (422, "invalid_message")
    assert text.startswith(names)


async def test_overload_says_when_to_come_back(served: Served) -> None:
    session_id = await served.session()
    served.core.turns.backlog = 1_000
    response = await served.prompt(session_id, "hello")
    assert refusal(response) == (503, "overloaded", "Too many messages waiting")
    assert int(response.headers["retry-after"]) > 0
    served.core.turns.backlog = 0


async def test_full_disk_is_503_and_accepts_nothing(tmp_path: Path) -> None:
    full = False

    def crash(point: str) -> None:
        if full and point == "accept.before_commit":
            raise OSError(errno.ENOSPC, "no space left on device")

    async with Served(tmp_path, crash=crash) as served:
        session_id = await served.session()
        full = True
        status, code, text = refusal(await served.prompt(session_id, "hello"))
        assert (status, code) == (503, "storage")
        assert text.startswith("Storage failed")
        full = False
        assert (await served.prompt(session_id, "again")).status_code == 200
        assert served.core.scripted.prompts == ["again"]


# -- whatever comes

ANYTHING = st.text(st.characters(), max_size=20)  # half surrogate pairs and NUL too
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANYTHING,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANYTHING, inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["user_id", "project_path", "message", "context", "from", "channel"]
BODIES = JSON | st.dictionaries(st.sampled_from(FIELDS), JSON | st.sampled_from(["alice", "sms", "fix it"]))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
QUERIES = st.dictionaries(
    st.sampled_from(["user_id", "session_id", "status", "limit", "cursor", "since", "until", "group_by", "before"]),
    TEXTS | st.sampled_from(["alice", "9999-12-31", "2024-01-01T00:00:00Z", "user", "1"]),
)


@contextmanager
def survivor(folder: Path) -> Iterator[Callable[..., None]]:
    """Give what sends a request and fails where the server did; one server for all examples."""
    with asyncio.Runner() as runner:
        served = runner.run(Served(folder).__aenter__())
        core, everybody = served.core, Caller(name="tests")
        runner.run(core.operations.connect(everybody, SessionId("fuzz"), str(core.site), "alice"))

        async def ask(method: str, path: str, **more: Any) -> None:
            response = await served.service.request(method, path, **more)
            assert response.status_code < 500, response.text
            if response.status_code >= 400:
                assert set(response.json()) >= {"error", "code"}

        try:
            yield lambda *request, **more: runner.run(ask(*request, **more))
        finally:
            runner.run(served.__aexit__())


def test_no_body_makes_the_server_fail(tmp_path: Path) -> None:
    paths = [SESSIONS, f"{SESSIONS}/any/messages", ROUTE, f"{SESSIONS}/any/interrupt"]
    with survivor(tmp_path) as ask:

        @given(path=st.sampled_from(paths), body=BODIES)
        @settings(max_examples=150, deadline=None)
        def whatever(path: str, body: object) -> None:
            ask("POST", path, content=json.dumps(body), headers={"Content-Type": "application/json"})

        whatever()


def test_no_message_makes_the_server_fail(tmp_path: Path) -> None:
    with survivor(tmp_path) as ask:

        @given(message=ANYTHING, context=st.none() | st.dictionaries(ANYTHING, JSON, max_size=3))
        @settings(max_examples=100, deadline=None)
        def whatever(message: str, context: object) -> None:
            content = json.dumps({"message": message, "context": context})
            headers = {"Content-Type": "application/json"}
            ask("POST", f"{SESSIONS}/fuzz/messages", content=content, headers=headers)
            ask("GET", f"{SESSIONS}/fuzz/messages")

        whatever()


def test_no_query_makes_the_server_fail(tmp_path: Path) -> None:
    with survivor(tmp_path) as ask:

        @given(
            path=st.sampled_from([SESSIONS, "/api/costs", f"{SESSIONS}/", "/api/messages/"]), query=QUERIES, name=TEXTS
        )
        @settings(max_examples=150, deadline=None)
        def whatever(path: str, query: dict[str, str], name: str) -> None:
            ask("GET", path + quote(name, safe="") if path.endswith("/") else path, params=query)

        whatever()


async def test_service_token_of_the_environment_acts_for_everybody(served: Served) -> None:
    client = await served.client(SERVICE)
    assert await served.session("bob", client)
    assert await served.session("alice", client)
