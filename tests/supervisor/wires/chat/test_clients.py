"""The front ends that exist, as they behave: what they send, what they read, and when they give up.

Written down from their sources: a React hook with a page of its own, and a minimal component.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from supervisor.protocol.ids import uuid7
from tests.e2e.chatting import ENDS, OLD_PATH, PATH, jwt_of
from tests.e2e.world import World, script, slow_answer
from tests.slowness import scaled
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

PAGE = "http://localhost:3000"
"""The origin of the page of the hook."""

SEND_SECONDS = 1.0
"""How long the hook waits after it has begun to connect, before it sends."""

RETRY_SECONDS = 3.0
FINAL = (1000, 4001, 4003)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A daemon that lets the hook's page in."""
    folder = tmp_path_factory.mktemp("world")
    async with World(folder, connector="echo", supervisor=f'allowed_origins = ["{PAGE}"]') as world:
        await world.start()
        yield world


class Hook:
    """The hook `useClaudeChat`: one session, one socket, one list of messages.

    Attributes:
        messages: role, content, and whether it streams.
        retries: how often it has connected again by itself.
        ends: how many answers it has seen end.
    """

    def __init__(self, world: World, session_id: str | None = None) -> None:
        self._world = world
        self.session_id = session_id or uuid7()
        self.messages: list[dict[str, Any]] = []
        self.artifacts: list[dict[str, Any]] = []
        self.retries = 0
        self.ends = 0
        self.gave_up: int | None = None
        self.connected = asyncio.Event()
        self._socket: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Begin to connect, as the hook does when its page opens."""
        token = await jwt_of(self._world, minutes=15)
        self._task = asyncio.create_task(self._run(token))

    async def close(self) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def lose_connection(self) -> None:
        """Lose the network for a moment."""
        assert self._socket is not None
        self.connected.clear()
        self._socket.transport.abort()

    async def send(self, content: str) -> None:
        """Send a message; where the socket is not open, connect first."""
        if self._socket is None:
            await self.connect()
            await asyncio.wait_for(self.connected.wait(), scaled(20.0))
        assert self._socket is not None, "the hook gives up here"
        self.messages += [{"role": "user", "content": content}, {"role": "assistant", "content": "", "streams": True}]
        frame = {"type": "user_message", "content": content, "session_id": self.session_id}
        await self._socket.send(json.dumps(frame))

    async def interrupt(self) -> None:
        assert self._socket is not None
        await self._socket.send(json.dumps({"type": "interrupt"}))

    async def settled(self) -> str:
        """Wait until nothing streams; return the newest answer."""
        await until(lambda: not self.placeholder(), "the answer ends", 20)
        return str(self.messages[-1]["content"])

    def placeholder(self) -> dict[str, Any] | None:
        return next((one for one in self.messages if one.get("streams")), None)

    async def _run(self, token: str) -> None:
        query = urlencode({"token": token, "session_id": self.session_id})
        url = f"{self._world.http.replace('http', 'ws', 1)}{OLD_PATH}?{query}"
        while True:
            try:
                async with connect(url, origin=PAGE, proxy=None, open_timeout=scaled(20.0)) as self._socket:  # type: ignore[arg-type]
                    async for text in self._socket:
                        self.take(json.loads(text))
            except ConnectionClosed:
                pass
            code = self._socket.close_code if self._socket is not None else 1006
            self._socket = None
            if code in FINAL:
                self.gave_up = code
                return
            self.retries += 1
            await asyncio.sleep(0.05)  # it waits for three seconds

    def take(self, frame: dict[str, Any]) -> None:
        """Do as the hook does with a frame; it does not know every type."""
        placeholder = self.placeholder()
        self.ends += frame["type"] in ENDS
        match frame["type"]:
            case "connected":
                self.session_id = frame["session_id"]
                self.connected.set()
            case "token" if placeholder is not None:
                placeholder["content"] += frame["content"]
            case "tool_result":
                title = frame["result"].get("tool_name") or f"Tool Result ({frame['id'][:8]})"
                self.artifacts.append({"id": frame["id"], "title": title, "data": frame["result"]})
            case "complete" if placeholder is not None:
                placeholder["streams"] = False
            case "interrupted" if placeholder is not None:
                placeholder["content"] += " [interrupted]"
                placeholder["streams"] = False
            case "error" if placeholder is not None:
                placeholder["content"] = f"Error: {frame['message']}"
                placeholder["streams"] = False
            case _:
                pass


@pytest_asyncio.fixture(loop_scope="module")
async def hook(world: World) -> AsyncIterator[Hook]:
    made = Hook(world)
    yield made
    await made.close()


async def test_the_hook_sends_one_second_after_it_began_to_connect(hook: Hook) -> None:
    await hook.connect()
    await asyncio.sleep(scaled(SEND_SECONDS))
    assert hook.connected.is_set(), "the hook gives up here"
    await hook.send(script({"text": "in time"}))
    assert await hook.settled() == "in time"


async def test_a_handshake_with_its_first_frame_is_well_under_a_second(world: World) -> None:
    best = 10.0
    for _ in range(5):  # the best of several: the machine may be busy
        hook = Hook(world)
        began = time.monotonic()
        await hook.connect()
        await asyncio.wait_for(hook.connected.wait(), scaled(10.0))
        best = min(best, time.monotonic() - began)
        await hook.close()
    assert best < scaled(0.5)


async def test_the_hook_keeps_its_own_session_id(hook: Hook, world: World) -> None:
    mine = hook.session_id
    await hook.send(script({"text": "one"}))
    await hook.settled()
    assert hook.session_id == mine


async def test_after_an_interrupt_the_person_may_write_at_once(hook: Hook) -> None:
    for number in range(5):
        await hook.send(script(slow_answer(60, 20.0)))
        await until(lambda: hook.messages[-1]["content"], "the first token", 20)
        await hook.interrupt()
        assert (await hook.settled()).endswith(" [interrupted]")
        await hook.send(script({"text": f"clean {number}"}))
        assert await hook.settled() == f"clean {number}"  # no late token, no late `interrupted`


async def test_after_a_lost_connection_the_answer_goes_on_by_itself(hook: Hook) -> None:
    await hook.send(script(slow_answer(10, 3.0)))
    await until(lambda: hook.messages[-1]["content"], "the first token", 20)
    await hook.lose_connection()
    answer = await hook.settled()
    assert answer.startswith("w0")
    assert "w9" in answer
    assert hook.retries == 1


async def test_a_new_session_uses_the_open_socket(hook: Hook) -> None:
    await hook.send(script({"text": "old"}))
    await hook.settled()
    hook.session_id = new = uuid7()
    hook.messages.clear()
    await hook.send(script({"text": "new"}))
    assert await hook.settled() == "new"
    assert hook.session_id == new
    assert hook.retries == 0


async def test_two_tabs_share_a_session(world: World) -> None:
    one = Hook(world)
    two = Hook(world, one.session_id)
    await one.connect()
    await two.connect()
    for hook in (one, two):
        await asyncio.wait_for(hook.connected.wait(), scaled(10.0))
    await one.send(script({"text": "from one"}))
    assert await one.settled() == "from one"
    await until(lambda: two.ends == 1, "the other tab has seen it too")
    await two.send(script({"text": "from two"}))
    assert await two.settled() == "from two"
    assert one.messages[-1]["content"] == "from one"  # it has no placeholder for what the other one asked
    for hook in (one, two):
        await hook.close()


async def test_an_error_is_shown_and_ends_the_stream(hook: Hook) -> None:
    await hook.send(script({"text": "x", "sse_error": "Overloaded"}))
    assert (await hook.settled()).startswith("Error: ")


@pytest.mark.parametrize("minutes", [15])
async def test_the_hook_gives_up_where_the_refusal_will_not_change(world: World, minutes: int) -> None:
    hook = Hook(world)
    hook._task = asyncio.create_task(hook._run("not a token"))
    await until(lambda: hook.gave_up is not None, "it gives up")
    assert (hook.gave_up, hook.retries) == (4001, 0)
    await hook.close()


async def test_the_component_of_the_beginning(world: World) -> None:
    """It sends no session id, switches on the type, and reads the fields that are there."""
    token = await jwt_of(world, minutes=15)
    url = f"{world.http.replace('http', 'ws', 1)}{PATH}?{urlencode({'token': token})}"
    shown, streaming, session = "", True, None
    async with connect(url, origin=PAGE, proxy=None, open_timeout=scaled(20.0)) as socket:  # type: ignore[arg-type]
        await socket.send(json.dumps({"type": "user_message", "content": script({"text": "Hello there."})}))
        while streaming:
            async with asyncio.timeout(scaled(20.0)):
                data = json.loads(await socket.recv())
            match data["type"]:
                case "connected":
                    session = data["session_id"]
                case "token":
                    shown += data["content"]
                case "complete":
                    streaming = False
                case "error":
                    raise AssertionError(data["message"])
                case _:
                    pass
    assert session
    assert shown == "Hello there."
