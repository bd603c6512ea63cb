"""/api/admin/*: by the operator's token over a real port, and in a process of its own without a daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from supervisor.models.gateway.meter import CallTotals
from supervisor.people.accounts import Accounts
from supervisor.people.identity import Directory
from supervisor.people.projects import Projects
from supervisor.protocol.conversation import Tokens
from supervisor.store import open_store
from supervisor.store.port import Store
from supervisor.wires.rest.admin import admin_app, call
from tests.supervisor.harness import ALICE_PHONE, JWT_SECRET, OPERATOR, seal
from tests.supervisor.wires.http.serving import Served, refusal

ROWS = [
    ("GET", "/users"),
    ("GET", "/users/alice"),
    ("PUT", "/users/alice"),
    ("DELETE", "/users/alice"),
    ("GET", "/tokens"),
    ("POST", "/tokens"),
    ("DELETE", "/tokens/1"),
    ("POST", "/jwt"),
    ("POST", "/backup"),
    ("POST", "/check"),
    ("GET", "/audit/verify"),
    ("GET", "/audit/entries/0"),
    ("POST", "/route"),
    ("GET", "/meter"),
]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with Served(tmp_path) as served:
        yield served


async def test_nobody_but_the_operator_passes(served: Served) -> None:
    valid: dict[str, Any] = {
        "name": "Eve",
        "role": "ADMIN",
        "service": "eve",
        "user_id": "alice",
        "minutes": 5,
        "path": "/tmp/copy",
        "text": "hello",
    }
    of_alice = await served.client_of("alice")
    for method, path in ROWS:
        for client in (served.service, of_alice):
            response = await client.request(method, f"/api/admin{path}", json=valid)
            assert refusal(response)[:2] == (403, "not_allowed"), path
            assert response.json()["remedy"]
    assert len((await served.operator.get("/api/admin/users")).json()["users"]) == 3


async def test_user_is_put_shown_and_removed(served: Served) -> None:
    path = "/api/admin/users/zoe"
    body = {"name": "Zoe", "role": "COORDINATOR", "phones": ["+15550111"], "emails": ["Zoe@example.org"]}
    put = await served.operator.put(path, json=body | {"projects": ["vault"]})
    expected = {
        "id": "zoe",
        "name": "Zoe",
        "role": "COORDINATOR",
        "addresses": [{"kind": "sms", "value": "+15550111"}, {"kind": "mail", "value": "zoe@example.org"}],
        "projects": [{"name": "vault", "origin": "database"}],
    }
    assert (put.status_code, put.json()) == (200, expected)
    shown = (await served.operator.get(path)).json()
    assert shown | {"addresses": ()} == expected | {"addresses": ()}
    assert shown in (await served.operator.get("/api/admin/users")).json()["users"]
    removed = await served.operator.delete(path)
    assert (removed.status_code, removed.content) == (204, b"")
    missing = (404, "user_not_found", "User not found: zoe")
    assert refusal(await served.operator.delete(path)) == missing
    assert refusal(await served.operator.get(path)) == missing


@pytest.mark.parametrize(
    ("user_id", "change", "text"),
    [
        ("zoe", {"role": "BOSS"}, "role: must be one of ADMIN, COORDINATOR, OPERATOR, not 'BOSS'"),
        ("zoe", {"phones": ["5"]}, "phones: must be a number like +15550100 (E.164), not '5'"),
        ("zoe", {"phones": "+15550100"}, "phones: input should be a valid list"),
        ("zoe", {"emails": ["zoe"]}, "emails: must be a plain mail address, not 'zoe'"),
        ("zoe", {"projects": ["x"]}, "projects: must be names of [projects] in config.toml, not 'x'"),
        ("z%20e", {}, "id: must match [A-Za-z0-9][A-Za-z0-9._-]{0,63}"),
    ],
)
async def test_user_who_cannot_be_is_422(served: Served, user_id: str, change: dict[str, Any], text: str) -> None:
    body = {"name": "Zoe", "role": "ADMIN"} | change
    response = await served.operator.put(f"/api/admin/users/{user_id}", json=body)
    assert refusal(response) == (422, "invalid_message", text)


async def test_number_of_another_user_is_403(served: Served) -> None:
    body = {"name": "Zoe", "role": "ADMIN", "phones": [ALICE_PHONE]}
    response = await served.operator.put("/api/admin/users/zoe", json=body)
    assert refusal(response)[:2] == (403, "not_allowed")


async def test_token_is_made_listed_and_revoked(served: Served) -> None:
    made = await served.operator.post("/api/admin/tokens", json={"service": "hooks", "expires_days": 3})
    assert made.status_code == 201
    assert set(made.json()) == {"id", "token", "name", "user_id", "expires_at"}
    (listed,) = (await served.operator.get("/api/admin/tokens")).json()["tokens"]
    assert set(listed) == {"id", "name", "user_id", "created_at", "expires_at", "revoked_at"}
    assert (listed["id"], listed["name"], listed["user_id"]) == (made.json()["id"], "hooks", None)
    revoked = await served.operator.delete(f"/api/admin/tokens/{listed['id']}")
    assert (revoked.status_code, revoked.content) == (204, b"")
    missing = await served.operator.delete("/api/admin/tokens/99")
    assert refusal(missing) == (404, "token_not_found", "Token not found: 99")


async def test_jwt_is_made(served: Served) -> None:
    made = await served.operator.post("/api/admin/jwt", json={"user_id": "alice", "minutes": 5})
    assert made.status_code == 200
    assert set(made.json()) == {"token", "expires_at"}
    nobody = await served.operator.post("/api/admin/jwt", json={"user_id": "nobody"})
    assert refusal(nobody)[:2] == (404, "user_not_found")


async def test_database_is_copied_and_the_copy_is_whole(served: Served, tmp_path: Path) -> None:
    target = tmp_path / "copies" / "xswarm.db"
    target.parent.mkdir()
    made = await served.operator.post("/api/admin/backup", json={"path": str(target)})
    assert (made.status_code, made.json()) == (200, {"path": str(target), "bytes": target.stat().st_size})
    copy = await open_store(target, seal=seal)
    assert [user.id for user in await copy.accounts.users()] == ["alice", "bob", "olga"]
    await copy.close()


@pytest.mark.parametrize("path", ["copy.db", "{tmp}/xswarm.db", "{tmp}/missing/copy.db", "{tmp}/a\0b", ""])
async def test_copy_goes_to_a_new_file_only(served: Served, tmp_path: Path, path: str) -> None:
    response = await served.operator.post("/api/admin/backup", json={"path": path.format(tmp=tmp_path)})
    status, code, text = refusal(response)
    assert (status, code) == (422, "invalid_message")
    assert text.startswith("path")


async def test_sound_database_has_no_problems(served: Served) -> None:
    checked = await served.operator.post("/api/admin/check")
    assert (checked.status_code, checked.json()) == (200, {"problems": []})


async def test_route_says_where_and_why_and_sends_nothing(served: Served) -> None:
    async def route(**body: str) -> dict[str, Any]:
        response = await served.operator.post("/api/admin/route", json=body)
        assert response.status_code == 200, response.text
        return dict(response.json())

    assert await route(text="fix the tests", user_id="alice", channel="sms") == {
        "target": "claude_code",
        "reason": "keyword fix",
        "project": "site",
    }
    assert await route(text="good morning", user_id="alice") == {
        "target": "assistant",
        "reason": "no keyword",
        "project": None,
    }
    assert (await route(text="fix the tests", user_id="olga"))["target"] == "refused"
    assert served.core.scripted.prompts == []
    assert await served.core.store.turns.pending_count() == 0


async def test_route_of_nobody_needs_exactly_one_user(served: Served) -> None:
    asked = {"text": "fix the tests"}
    response = await served.operator.post("/api/admin/route", json=asked)
    assert refusal(response) == (422, "invalid_message", "user_id: must be given: there are 3 users")
    for user_id in ("bob", "olga"):
        await served.operator.delete(f"/api/admin/users/{user_id}")
    assert (await served.operator.post("/api/admin/route", json=asked)).json()["target"] == "claude_code"


async def test_meter_says_what_the_gateway_has_counted(tmp_path: Path) -> None:
    counted = {"some-model": CallTotals(calls=2, tokens=Tokens(input=3, output=4), nanos=1_500_000, unpriced=1)}
    async with Served(tmp_path, meter=lambda: counted) as served:
        meter = (await served.operator.get("/api/admin/meter")).json()
    assert meter == {
        "models": {"some-model": {"calls": 2, "cost_usd": 0.0015, "input_tokens": 3, "output_tokens": 4, "unpriced": 1}}
    }


# -- without a daemon


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(tmp_path / "xswarm.db", seal=seal)
    yield store
    await store.close()


def alone(store: Store) -> Accounts:
    directory = Directory(operator_token=OPERATOR, service_token=None, jwt_secret=JWT_SECRET)
    return Accounts(store, directory, Projects({}))


async def test_same_answers_come_without_a_daemon(store: Store) -> None:
    app = admin_app(alone(store), store)
    assert await call(app, "GET", "/api/admin/users") == (200, {"users": []})
    status, user = await call(app, "PUT", "/api/admin/users/ann", {"name": "Ann", "role": "ADMIN"})
    assert (status, user["id"]) == (200, "ann")
    assert await call(app, "GET", "/api/admin/users/ann") == (200, user)
    status, made = await call(app, "POST", "/api/admin/tokens", {"user_id": "ann"})
    assert (status, made["name"]) == (201, "ann")
    assert await call(app, "POST", "/api/admin/check") == (200, {"problems": []})
    assert await call(app, "DELETE", "/api/admin/users/ann") == (204, {})


async def test_same_refusals_come_without_a_daemon(store: Store) -> None:
    app = admin_app(alone(store), store)
    status, body = await call(app, "PUT", "/api/admin/users/a%20b", {"name": "Ann", "role": "ADMIN"})
    assert (status, body["code"]) == (422, "invalid_message")
    status, body = await call(app, "GET", "/api/admin/users/ann")
    assert (status, body["code"], body["error"]) == (404, "user_not_found", "User not found: ann")
    status, body = await call(app, "POST", "/api/admin/route", {"text": "fix it"})
    assert (status, body["code"]) == (501, "unsupported")
    status, body = await call(app, "GET", "/api/admin/meter")
    assert (status, body["code"]) == (501, "unsupported")
    status, body = await call(app, "GET", "/api/admin/nothing")
    assert (status, body["code"]) == (404, "not_found")


async def test_store_that_fails_is_reported_without_a_daemon(store: Store) -> None:
    app = admin_app(alone(store), store)
    await store.close()
    status, body = await call(app, "PUT", "/api/admin/users/ann", {"name": "Ann", "role": "ADMIN"})
    assert (status, body["code"]) == (503, "storage")


async def test_the_audit_trail_is_verified_and_read(served: Served) -> None:
    verified = (await served.operator.get("/api/admin/audit/verify")).json()
    assert verified["problem"] is None
    entries = (await served.operator.get("/api/admin/audit/entries/0")).json()["entries"]
    assert [entry["seq"] for entry in entries] == list(range(1, verified["entries"] + 1))
    assert set(entries[0]) == {"seq", "at", "epoch", "actor", "event", "detail", "mac"}
    last = f"/api/admin/audit/entries/{verified['entries']}"
    assert (await served.operator.get(last)).json() == {"entries": []}
    for wrong in ("-1", "x", str(2**63)):
        assert (await served.operator.get(f"/api/admin/audit/entries/{wrong}")).status_code in (400, 422)
