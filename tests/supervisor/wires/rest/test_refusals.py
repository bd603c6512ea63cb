"""REST over a real port: each way to be refused."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from supervisor import config
from tests.supervisor.harness import ALICE_PHONE
from tests.supervisor.wires.http.serving import ROUTE, SESSIONS, Served, refusal


async def test_everything_else_needs_a_token(served: Served) -> None:
    paths = (await served.service.get("/openapi.json")).json()["paths"]
    stranger = await served.client("xsw_guessed")
    nobody = await served.client(None)
    for path, methods in paths.items():
        if path in ("/healthz", "/readyz", "/api/auth/ways"):
            continue
        for method in methods:
            for client in (nobody, stranger):
                # Its broken body is not looked at before the token.
                response = await client.request(method, path, content=b"{")
                if path.startswith("/api/auth/") and method != "get":  # only a page of our own changes something there
                    assert refusal(response)[:2] == (403, "not_allowed"), path
                    continue
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


def nested(depth: int) -> dict[str, Any]:
    """Return a context of objects within objects, so many in all."""
    context: dict[str, Any] = {}
    for _ in range(depth):
        context = {"a": context}
    return context


async def test_the_deepest_context_is_told_again(served: Served) -> None:
    session_id = await served.session()
    url = f"{SESSIONS}/{session_id}/messages"
    deep = {"message": "a", "context": nested(199)}
    assert (await served.service.post(url, json=deep)).status_code == 200
    (asked, _) = (await served.service.get(url)).json()["messages"]
    assert asked["context"] == nested(199)


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
        ({"message": "a", "context": nested(252)}, "context"),
        ({"message": "a", "context": nested(900)}, "context"),
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
        (f"/api/file-operations?before={2**63}", "before"),
        (f"/api/file-operations?before={10**40}", "before"),
    ],
)
async def test_parameter_that_fails_is_named(served: Served, path: str, names: str) -> None:
    status, code, text = refusal(await served.service.get(path))
    assert (status, code) == (422, "invalid_message")
    assert text.startswith(names)


async def test_overload_says_when_to_come_back(served: Served) -> None:
    session_id = await served.session()
    served.core.turns.queued = 1_000
    response = await served.prompt(session_id, "hello")
    assert refusal(response) == (503, "overloaded", "Too many messages waiting")
    assert int(response.headers["retry-after"]) > 0
    served.core.turns.queued = 0


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
