"""The web socket that tells the console what has changed, over a real port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import websockets
from websockets.asyncio.client import ClientConnection, connect

from supervisor.protocol.events import ApprovalResolved
from tests.fakes import ScriptedConnector
from tests.slowness import scaled
from tests.supervisor.harness import SERVICE
from tests.supervisor.helpers import scripted
from tests.supervisor.wires.http.serving import Served

LIVE = "/api/live"


@asynccontextmanager
async def listening(
    served: Served, token: str | None, headers: Mapping[str, str] | None = None, query: str = ""
) -> AsyncIterator[ClientConnection]:
    url = f"ws://localhost:{httpx.URL(served.server.url).port}{LIVE}{query}"
    offered = [websockets.Subprotocol("bearer"), websockets.Subprotocol(token)] if token is not None else None
    async with connect(url, subprotocols=offered, additional_headers=headers, proxy=None) as socket:
        yield socket


async def frame(socket: ClientConnection) -> dict[str, object]:
    async with asyncio.timeout(scaled(20.0)):
        read: dict[str, object] = json.loads(await socket.recv())
    return read


async def kinds_until(socket: ClientConnection, wanted: str) -> set[object]:
    """Return all kinds that are told until one of them is."""
    told: set[object] = set()
    while wanted not in told:
        kinds = (await frame(socket))["kinds"]
        assert isinstance(kinds, list)
        told.update(kinds)
    return told


async def closed(socket: ClientConnection) -> int:
    async with asyncio.timeout(scaled(20.0)):
        await socket.wait_closed()
    return socket.close_code or 0


async def test_those_who_oversee_are_told_of_what_others_do_and_nobody_else(tmp_path: Path) -> None:
    async with Served(tmp_path, connector=ScriptedConnector()) as served:
        core = served.core
        async with (
            listening(served, await core.token("alice")) as alice,
            listening(served, await core.token("olga")) as olga,
            listening(served, await core.token("bob")) as bob,
        ):
            for socket in (alice, olga, bob):
                assert await frame(socket) == {"type": "ready"}
            session_id = await served.session("alice")
            await served.prompt(session_id, "hello")
            told = await kinds_until(alice, "costs")
            assert {"messages", "queue", "audit"} <= told
            assert "audit" not in await kinds_until(olga, "costs")
            core.api.hub.publish(ApprovalResolved(approval_id="a", decision="deny"), ("approvals:bob",))
            assert await frame(bob) == {"type": "changed", "kinds": ["approvals", "messages"]}
        assert len(scripted(core).prompts) == 1


async def test_a_cookie_counts_from_the_own_origin_only(served: Served) -> None:
    port = httpx.URL(served.server.url).port
    own = f"http://localhost:{port}"
    link, _ = await served.server.make_link("alice")
    async with httpx.AsyncClient(base_url=own, headers={"Origin": own}, trust_env=False) as browser:
        assert (await browser.post("/api/auth/redeem", json={"secret": link.rpartition("#")[2]})).status_code == 200
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    refused = []
    for origin in (f"{own}0", own.replace("http", "https"), None):
        headers = {"Cookie": cookie} | ({"Origin": origin} if origin else {})
        with suppress(websockets.InvalidStatus):  # the guard refuses a foreign origin before
            async with listening(served, None, headers) as socket:
                refused.append(await closed(socket))
    assert set(refused) == {4001}
    async with listening(served, None, {"Cookie": cookie, "Origin": own}) as socket:
        assert await frame(socket) == {"type": "ready"}


async def test_neither_services_nor_tokens_in_a_url_nor_nonsense_are_taken(served: Served) -> None:
    for token in (SERVICE, "nonsense"):
        async with listening(served, token) as socket:
            assert await closed(socket) == 4001
    jwt = (await served.operator.post("/api/admin/jwt", json={"user_id": "alice", "minutes": 1})).json()["token"]
    async with listening(served, None, query=f"?token={jwt}") as socket:
        assert await closed(socket) == 4001


async def test_a_token_that_is_revoked_hears_no_more(served: Served) -> None:
    async with listening(served, await served.core.token("alice")) as socket:
        assert await frame(socket) == {"type": "ready"}
        for token in (await served.operator.get("/api/admin/tokens")).json()["tokens"]:
            await served.operator.delete(f"/api/admin/tokens/{token['id']}")
        assert await closed(socket) == 4001
