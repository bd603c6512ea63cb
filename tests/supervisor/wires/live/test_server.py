"""The web socket that tells the console what has changed, over a real port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect

from supervisor.config import ProjectConfig
from supervisor.operations.queries import Queries
from supervisor.protocol.errors import StorageError
from supervisor.protocol.events import ApprovalResolved
from tests.fakes import ScriptedConnector
from tests.slowness import scaled
from tests.supervisor.harness import SERVICE
from tests.supervisor.helpers import scripted
from tests.supervisor.wires.http.serving import SESSIONS, Served
from tests.waiting import until

LIVE = "/api/live"


@asynccontextmanager
async def listening(
    served: Served, token: str | None, headers: Mapping[str, str] | None = None, query: str = ""
) -> AsyncIterator[ClientConnection]:
    url = f"ws://localhost:{httpx.URL(served.server.url).port}{LIVE}{query}"
    offered = [websockets.Subprotocol("bearer"), websockets.Subprotocol(token)] if token is not None else None
    async with connect(url, subprotocols=offered, additional_headers=headers, proxy=None) as socket:
        yield socket


async def frame(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(scaled(20.0)):
        read: dict[str, Any] = json.loads(await socket.recv())
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
    headers, patience = {"Origin": own}, scaled(30.0)
    async with httpx.AsyncClient(base_url=own, headers=headers, trust_env=False, timeout=patience) as browser:
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


async def frames_until(socket: ClientConnection, done: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """Return all frames until one is as wanted, that one too."""
    found: list[dict[str, Any]] = []
    while not found or not done(found[-1]):
        found.append(await frame(socket))
    return found


def presence(*users: tuple[str, str]) -> Callable[[dict[str, Any]], bool]:
    """Return whether a frame names these users with their states."""
    wanted = [{"id": id_, "state": state} for id_, state in users]
    return lambda frame: frame["type"] == "presence" and frame["users"] == wanted


async def say(socket: ClientConnection, **frame: object) -> None:
    await socket.send(json.dumps(frame))


@asynccontextmanager
async def team(folder: Path) -> AsyncIterator[tuple[Served, str]]:
    """Serve with a session of alice's that is shared with bob."""
    (folder / "team").mkdir()
    projects = {"team": ProjectConfig(path=str(folder / "team"), shared=True)}
    async with Served(folder, connector=ScriptedConnector(), projects=projects) as served:
        for user, role in (("alice", "ADMIN"), ("bob", "COORDINATOR")):
            await served.core.accounts.put_user(user, name=user, role=role, projects=["team"])
        body = {"user_id": "alice", "project_path": str(folder / "team")}
        yield served, (await served.service.post(SESSIONS, json=body)).json()["session_id"]


async def test_those_who_show_a_shared_session_know_of_each_other_and_see_its_answer_grow(tmp_path: Path) -> None:
    async with team(tmp_path) as (served, session_id):
        core = served.core
        alice_token, bob_token = await core.token("alice"), await core.token("bob")
        async with listening(served, alice_token) as alice, listening(served, bob_token) as bob:
            for socket in (alice, bob):
                assert await frame(socket) == {"type": "ready"}
                await say(socket, type="watch", session_id=session_id)
            both = [("alice", "viewing"), ("bob", "viewing")]
            for socket in (alice, bob):
                await frames_until(socket, lambda one: sorted(present(one)) == both)
            await say(bob, type="typing")
            await frames_until(alice, lambda one: ("bob", "writing") in present(one))
            await say(bob, type="wrote")
            await frames_until(alice, lambda one: sorted(present(one)) == both)

            prompting = asyncio.create_task(served.prompt(session_id, "hold on"))
            for socket in (alice, bob):
                await frames_until(socket, lambda one: one.get("text") == "so far")
            await say(alice, type="watch", session_id=session_id)  # a page that comes later gets what there is
            await frames_until(alice, lambda one: one.get("text") == "so far")
            scripted(core).release()
            assert (await prompting).status_code == 200
            for socket in (alice, bob):
                await frames_until(socket, lambda one: "transcript" in one.get("kinds", ()))

            await say(alice, type="watch", session_id=None)
            await frames_until(bob, presence(("bob", "viewing")))
            await core.accounts.put_user("bob", name="Bob", role="COORDINATOR", projects=[])
            await until(lambda: not core.hub.wanted(f"session:{session_id}"), "what is not shared is not told any more")


async def test_a_session_that_cannot_be_read_now_is_asked_for_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with team(tmp_path) as (served, session_id):
        token = await served.core.token("alice")
        async with listening(served, token) as socket:
            assert await frame(socket) == {"type": "ready"}

            async def broken(*_: object, **__: object) -> None:
                raise StorageError("the disk is gone", "look at it")

            with monkeypatch.context() as patch:
                patch.setattr(Queries, "session", broken)
                await say(socket, type="watch", session_id=session_id)
                assert await closed(socket) == 1013
        async with listening(served, token) as socket:
            await say(socket, type="watch", session_id=session_id)
            await frames_until(socket, presence(("alice", "viewing")))


async def test_a_client_that_sends_without_pause_is_read_at_a_pace(tmp_path: Path) -> None:
    async with team(tmp_path) as (served, session_id):
        served.server._live._pause_seconds = 3_600.0
        async with listening(served, await served.core.token("bob")) as socket:
            await socket.send("nonsense")
            await say(socket, type="watch", session_id=session_id)
            for token in (await served.operator.get("/api/admin/tokens")).json()["tokens"]:
                await served.operator.delete(f"/api/admin/tokens/{token['id']}")
            assert await closed(socket) == 4001
            with suppress(websockets.ConnectionClosed):
                while (await frame(socket))["type"] != "presence":
                    pass
                raise AssertionError("the second frame was read")


def present(frame: dict[str, Any]) -> list[tuple[str, str]]:
    return [(user["id"], user["state"]) for user in frame["users"]] if frame["type"] == "presence" else []


async def test_a_session_that_a_person_may_not_read_tells_them_and_others_nothing(tmp_path: Path) -> None:
    async with Served(tmp_path, connector=ScriptedConnector()) as served:
        session_id = await served.session("alice")
        tokens = [await served.core.token(user) for user in ("olga", "bob", "alice")]
        async with AsyncExitStack() as stack:
            olga, bob, alice = [await stack.enter_async_context(listening(served, token)) for token in tokens]
            for socket in (olga, bob, alice):
                assert await frame(socket) == {"type": "ready"}
            for wanted in ("nothing", "\ud800", 7, None, ["x"], session_id):
                for socket in (olga, bob):
                    await say(socket, type="watch", session_id=wanted)
                    await say(socket, type="typing")
            for nonsense in ("", "{", "[]", "7", "x" * 5_000, '{"type": []}'):
                await bob.send(nonsense)
            await bob.send(b"bytes")
            await say(alice, type="watch", session_id=session_id)
            await frames_until(alice, presence(("alice", "viewing")))
            await served.prompt(session_id, "hello")
            told = await frames_until(olga, lambda one: "costs" in one.get("kinds", ()))
            assert {one["type"] for one in told} == {"changed"}
            assert not any("transcript" in one["kinds"] for one in told)
            served.core.api.hub.publish(ApprovalResolved(approval_id="a", decision="deny"), ("approvals:bob",))
            assert await frame(bob) == {"type": "changed", "kinds": ["approvals", "messages"]}
