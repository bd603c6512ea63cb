"""/api/auth/* over a real port: the page, links, sessions, and requests of foreign pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import Message

from supervisor.protocol.messages import Address
from supervisor.store.records.accounts import User
from supervisor.wires.http.api import api
from supervisor.wires.http.cookies import Cookies
from supervisor.wires.rest.auth.links import LinkRoutes
from supervisor.wires.rest.resource import resource_router
from tests.slowness import scaled
from tests.supervisor.wires.http.asgi import http_scope
from tests.supervisor.wires.http.serving import Served, refusal


@pytest.fixture
async def browser(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    """A client on the daemon's own page."""
    origin = f"http://localhost:{httpx.URL(served.server.url).port}"
    headers, patience = {"Origin": origin}, scaled(30.0)
    async with httpx.AsyncClient(base_url=origin, headers=headers, trust_env=False, timeout=patience) as client:
        yield client


async def sign_in(served: Served, browser: httpx.AsyncClient) -> httpx.Response:
    link, _ = await served.server.make_link("alice")
    return await browser.post("/api/auth/redeem", json={"secret": link.rpartition("#")[2]})


async def test_the_page_loads_only_itself_and_moves_to_the_name(served: Served, browser: httpx.AsyncClient) -> None:
    page = await browser.get("/sign-in")
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert (await browser.get("/sign-in.js")).headers["content-type"].startswith("text/javascript")
    assert (await browser.get("/sign-in.css")).status_code == 200
    moved = await served.service.get("/sign-in")
    assert moved.status_code == 307
    assert moved.headers["location"] == f"{str(browser.base_url).rstrip('/')}/sign-in"


async def test_the_answer_is_the_same_for_known_and_unknown(browser: httpx.AsyncClient) -> None:
    told = set()
    for address in ("alice@example.com", "nobody@example.com", "+15550100", "+15550199"):
        answer = await browser.post("/api/auth/link", json={"address": address})
        cookie = answer.headers["set-cookie"]
        told.add((answer.status_code, answer.text, len(cookie), cookie.partition("=")[0]))
    assert len(told) == 1
    for wrong in ("no address", "a b@example.com"):
        status, code, said = refusal(await browser.post("/api/auth/link", json={"address": wrong}))
        assert (status, code, said.partition(":")[0]) == (422, "invalid_message", "address")


@pytest.mark.requirement(35)
async def test_nobody_is_looked_up_before_the_answer_is_written(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, done = served.core.directory, list[str]()
    by_address = directory.by_address

    def looked_up(address: Address) -> User | None:
        done.append("looked up")
        return by_address(address)

    async def send(message: Message) -> None:
        for _ in range(9):  # a client that reads slowly: everything else that can run does
            await asyncio.sleep(0)
        done.append(message["type"])

    async def receive() -> Message:
        return {"type": "http.request", "body": b'{"address": "alice@example.org"}'}

    monkeypatch.setattr(directory, "by_address", looked_up)
    routes = LinkRoutes(served.core.api.sign_in, Cookies(), lambda: "http://localhost:8787").endpoints()
    headers = {"host": "localhost:8787", "content-type": "application/json"}
    await api(resource_router(routes))(http_scope("POST", "/api/auth/link", headers), receive, send)
    await served.core.api.sign_in.aclose()
    assert done == ["http.response.start", "http.response.body", "looked up"]


async def test_a_person_signs_in_and_out(served: Served, browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/api/auth/session")).status_code == 401
    assert (await sign_in(served, browser)).status_code == 200
    who = (await browser.get("/api/auth/session")).json()
    assert (who["user_id"], who["session"]["current"]) == ("alice", True)
    assert (await browser.post("/api/auth/sign-out", json={})).status_code == 204
    assert not browser.cookies
    assert (await browser.get("/api/auth/session")).status_code == 401


async def test_the_ways_of_signing_in_are_told_to_whoever_comes(browser: httpx.AsyncClient) -> None:
    del browser.headers["Origin"]
    answer = await browser.get("/api/auth/ways")
    assert answer.json() == {"passkey": True, "links": [], "oidc": []}
    browser.headers["Origin"] = "http://localhost:1"
    for path in ("oidc/corp", "oidc/corp/back"):
        refused = await browser.post(f"/api/auth/{path}", json={"state": "x"})
        assert refusal(refused)[:2] == (403, "not_allowed")


async def test_a_service_sends_people_back_to_the_same_page(served: Served, browser: httpx.AsyncClient) -> None:
    page = await browser.get("/sign-in/oidc/corp?code=x&state=y")
    assert (page.status_code, page.headers["referrer-policy"]) == (200, "no-referrer")
    assert page.text == (await browser.get("/sign-in")).text
    assert "set-cookie" not in page.headers
    assert (await browser.get("/sign-in/oidc/corp/more")).status_code in (401, 404)


async def test_a_token_does_not_sign_in(served: Served) -> None:
    assert (await served.operator.get("/api/auth/session")).status_code == 401


async def test_a_foreign_page_signs_nobody_in(served: Served, browser: httpx.AsyncClient) -> None:
    browser.headers["Origin"] = "http://localhost:1"
    refused = await sign_in(served, browser)
    assert refusal(refused)[:2] == (403, "not_allowed")
    del browser.headers["Origin"]
    assert refusal(await sign_in(served, browser))[:2] == (403, "not_allowed")
    browser.headers["Origin"] = str(browser.base_url).rstrip("/")
    form = await browser.post("/api/auth/redeem", data={"secret": "x"})
    assert refusal(form)[:2] == (403, "not_allowed")


async def test_a_cookie_without_a_fresh_check_is_no_operator(served: Served, browser: httpx.AsyncClient) -> None:
    await sign_in(served, browser)
    assert refusal(await browser.get("/api/admin/tokens"))[:2] == (403, "fresh_check_needed")
    assert refusal(await browser.post("/api/admin/backup", json={}))[:2] == (403, "not_allowed")
