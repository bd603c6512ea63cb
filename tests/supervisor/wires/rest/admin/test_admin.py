"""/api/admin/* as a whole: only the operator passes, and the same routes answer without a daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from supervisor.operations.administration import administration_of
from supervisor.people.accounts import Accounts
from supervisor.people.identity import Directory
from supervisor.people.projects import Projects
from supervisor.store import open_store
from supervisor.store.port import Store
from supervisor.wires.http.in_process import call
from supervisor.wires.rest.admin.admin import admin_app
from tests.supervisor.harness import JWT_SECRET, OPERATOR, seal
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
    ("GET", "/nodes"),
    ("POST", "/nodes/a/drain"),
    ("POST", "/nodes/a/fence"),
]


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


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(tmp_path / "xswarm.db", seal=seal)
    yield store
    await store.close()


def alone(store: Store) -> ASGIApp:
    """Return the admin API of a process that holds the database."""
    directory = Directory(operator_token=OPERATOR, service_token=None, jwt_secret=JWT_SECRET)
    accounts = Accounts(store.accounts, store.audit, directory, Projects({}))
    return admin_app(administration_of(accounts, store), store)


async def test_same_answers_come_without_a_daemon(store: Store) -> None:
    app = alone(store)
    assert await call(app, "GET", "/api/admin/users") == (200, {"users": []})
    status, user = await call(app, "PUT", "/api/admin/users/ann", {"name": "Ann", "role": "ADMIN"})
    assert (status, user["id"]) == (200, "ann")
    assert await call(app, "GET", "/api/admin/users/ann") == (200, user)
    status, made = await call(app, "POST", "/api/admin/tokens", {"user_id": "ann"})
    assert (status, made["name"]) == (201, "ann")
    assert await call(app, "POST", "/api/admin/check") == (200, {"problems": []})
    assert await call(app, "DELETE", "/api/admin/users/ann") == (204, {})


async def test_same_refusals_come_without_a_daemon(store: Store) -> None:
    app = alone(store)
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
    app = alone(store)
    await store.close()
    status, body = await call(app, "PUT", "/api/admin/users/ann", {"name": "Ann", "role": "ADMIN"})
    assert (status, body["code"]) == (503, "storage")
