"""An administrator in a browser manages people and their tokens, after showing a passkey; nobody else does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from supervisor.store.ports.audit import AuditFilter
from supervisor.store.ports.people.sign_in import Visitor, Way
from tests.authenticator import Authenticator
from tests.slowness import scaled
from tests.supervisor.harness import ALICE_MAIL, SERVICE
from tests.supervisor.helpers import text_message
from tests.supervisor.wires.http.serving import Served, refusal

USER = {"name": "Cleo", "role": "COORDINATOR"}


@pytest.fixture
async def browser(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    """A client on the daemon's own page, where nobody is signed in."""
    origin = f"http://localhost:{httpx.URL(served.server.url).port}"
    headers, patience = {"Origin": origin}, scaled(30.0)
    async with httpx.AsyncClient(base_url=origin, headers=headers, trust_env=False, timeout=patience) as client:
        yield client


async def sign_in(served: Served, browser: httpx.AsyncClient, user: str = "alice") -> None:
    link, _ = await served.server.make_link(user)
    answer = await browser.post("/api/auth/redeem", json={"secret": link.rpartition("#")[2]})
    assert answer.status_code == 200, answer.text


async def add_passkey(browser: httpx.AsyncClient) -> Authenticator:
    authenticator = Authenticator(str(browser.base_url).rstrip("/"))
    options = (await browser.post("/api/auth/passkey/new", json={})).json()["options"]
    body = {"name": "phone", "credential": authenticator.make(options)}
    answer = await browser.post("/api/auth/passkeys", json=body)
    assert answer.status_code == 201, answer.text
    return authenticator


async def check(browser: httpx.AsyncClient, authenticator: Authenticator) -> None:
    options = (await browser.post("/api/auth/check/options", json={})).json()["options"]
    assert [one["id"] for one in options["allowCredentials"]]
    answer = await browser.post("/api/auth/check", json={"credential": authenticator.prove(options)})
    assert answer.status_code == 200, answer.text
    assert 295 <= answer.json()["seconds"] <= 300


async def test_an_administrator_manages_people_after_a_check(served: Served, browser: httpx.AsyncClient) -> None:
    await sign_in(served, browser)
    unready = await browser.get("/api/admin/users")
    assert (refusal(unready)[:2], "passkey" in unready.json()["remedy"]) == ((403, "fresh_check_needed"), True)
    authenticator = await add_passkey(browser)
    assert refusal(await browser.get("/api/admin/users"))[:2] == (403, "fresh_check_needed")
    await check(browser, authenticator)
    assert (await browser.get("/api/auth/session")).json()["checked_seconds"] >= 295
    assert (await browser.put("/api/admin/users/cleo", json=USER)).status_code == 200
    assert (await browser.put("/api/admin/users/cleo/passphrase", json={"passphrase": "correct horse"})).is_success
    assert (await browser.post("/api/admin/users/cleo/link", json={})).json()["link"].startswith("http://localhost")
    made = (await browser.post("/api/admin/tokens", json={"user_id": "cleo"})).json()
    assert [one["id"] for one in (await browser.get("/api/admin/tokens")).json()["tokens"]] == [made["id"]]
    assert (await browser.delete(f"/api/admin/tokens/{made['id']}")).status_code == 204
    assert (await browser.delete("/api/admin/users/cleo/passphrase")).status_code == 204
    assert (await browser.delete("/api/admin/users/cleo")).status_code == 204
    entries = await served.core.store.audit.entries(after=0, limit=500)
    done = [entry for entry in entries if entry.actor == "alice" and "channel" in entry.detail]
    assert [entry.event for entry in done] == [
        "user.put",
        "passphrase.set",
        "signin.link_made",
        "token.created",
        "token.revoked",
        "passphrase.removed",
        "user.removed",
    ]
    assert {(entry.detail["channel"], entry.detail["from"]) for entry in done} == {("http", "127.0.0.1")}


async def test_an_administrator_lets_in_what_was_dropped_after_a_check(
    served: Served, browser: httpx.AsyncClient
) -> None:
    mail = replace(text_message("assistant: hello", phone=ALICE_MAIL, channel="mail"), subject="Hi")
    await served.core.intake.dropped("mail", ALICE_MAIL, "its DMARC result is not a pass", mail)
    await sign_in(served, browser)
    (dropped,) = (await browser.get("/api/dropped")).json()["dropped"]
    path = f"/api/admin/dropped/{dropped['id']}/let-in"
    assert refusal(await browser.post(path, json={}))[:2] == (403, "fresh_check_needed")
    await check(browser, await add_passkey(browser))
    message_id = (await browser.post(path, json={})).json()["message_id"]
    assert (await browser.get("/api/dropped")).json()["dropped"][0]["message_id"] == message_id
    entries = await served.core.store.audit.newest(before=None, limit=50, where=AuditFilter(event="message.let_in"))
    assert [(entry.actor, entry.detail["channel"], entry.detail["from"]) for entry in entries] == [
        ("alice", "http", "127.0.0.1")
    ]


async def test_services_and_the_rest_are_the_operators(served: Served, browser: httpx.AsyncClient) -> None:
    hooks = (await served.operator.post("/api/admin/tokens", json={"service": "hooks"})).json()
    await sign_in(served, browser)
    await check(browser, await add_passkey(browser))
    assert (await browser.get("/api/admin/tokens")).json()["tokens"] == []
    service = await browser.post("/api/admin/tokens", json={"service": "mine"})
    assert refusal(service)[:2] == (403, "not_allowed")
    assert refusal(await browser.delete(f"/api/admin/tokens/{hooks['id']}"))[:2] == (404, "token_not_found")
    for method, path in (("POST", "/api/admin/jwt"), ("POST", "/api/admin/backup"), ("GET", "/api/admin/meter")):
        answer = await browser.request(method, path, json={"user_id": "alice"} if method == "POST" else None)
        assert refusal(answer)[:2] == (403, "not_allowed"), path


async def test_nobody_else_manages_people(served: Served, browser: httpx.AsyncClient) -> None:
    for client in (await served.client_of("alice"), await served.client(SERVICE)):
        assert refusal(await client.get("/api/admin/users"))[:2] == (403, "not_allowed")
    for user in ("bob", "olga"):
        await sign_in(served, browser, user)
        await check(browser, await add_passkey(browser))
        assert refusal(await browser.get("/api/admin/users"))[:2] == (403, "not_allowed")
        browser.cookies.clear()


async def test_a_foreign_page_manages_nobody(served: Served, browser: httpx.AsyncClient) -> None:
    await sign_in(served, browser)
    await check(browser, await add_passkey(browser))
    own = browser.headers["Origin"]
    for origin in (own + "0", own.replace("http", "https"), "null", "http://localhost"):
        browser.headers["Origin"] = origin
        assert (await browser.put("/api/admin/users/cleo", json=USER)).status_code in (401, 403), origin
    browser.headers["Origin"] = own
    form = await browser.post("/api/admin/tokens", content="{}", headers={"Content-Type": "text/plain"})
    assert form.status_code == 401
    assert (await browser.put("/api/admin/users/cleo", json=USER)).status_code == 200


async def test_a_role_that_is_lost_counts_at_once(served: Served, browser: httpx.AsyncClient) -> None:
    await sign_in(served, browser)
    await check(browser, await add_passkey(browser))
    await served.core.accounts.put_user("alice", name="Alice", role="COORDINATOR")
    assert refusal(await browser.get("/api/admin/users"))[:2] == (403, "not_allowed")


async def test_ending_another_session_needs_a_check_and_the_own_one_does_not(
    served: Served, browser: httpx.AsyncClient
) -> None:
    await sign_in(served, browser)
    authenticator = await add_passkey(browser)
    begun = await served.core.api.sign_in.begin(served.core.directory.user("alice").id, Way.MAIL, Visitor())
    browser.cookies.clear()
    await served.core.api.sign_in.begin(begun.session.user_id, Way.SMS, Visitor())
    name = f"xswarm_session_{browser.base_url.port}"
    browser.cookies.set(name, begun.secret)
    others = [one["id"] for one in (await browser.get("/api/auth/sessions")).json()["sessions"] if not one["current"]]
    assert len(others) == 2
    refused = await browser.delete(f"/api/auth/sessions/{others[0]}")
    assert refusal(refused)[:2] == (403, "fresh_check_needed")
    await check(browser, authenticator)
    assert (await browser.delete(f"/api/auth/sessions/{others[0]}")).status_code == 204
    gone = await browser.delete(f"/api/auth/sessions/{others[0]}")
    assert (refusal(gone)[:2], "sessions" in gone.json()["remedy"]) == ((404, "sign_in_not_found"), True)
    assert (await browser.delete(f"/api/auth/sessions/{begun.session.id}")).status_code == 204
