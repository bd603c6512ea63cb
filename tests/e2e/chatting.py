"""Clients of the chat of a whole daemon."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.e2e.world import World
from tests.slowness import scaled
from tests.waiting import until

PATH = "/api/claude-chat/ws"
OLD_PATH = "/api/v1/claude-chat/ws"

ENDS = ("complete", "interrupted", "error")
"""What ends an answer."""

AROUND = ("session_updated", "presence")
"""What may come at any time."""

SECONDS = 20.0

Frame = dict[str, Any]


class ChatClient:
    """One connection.

    Attributes:
        frames: everything that it has received, in order.
    """

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.frames: list[Frame] = []

    @property
    def session_id(self) -> str:
        """The session of the newest `connected`."""
        return next(str(frame["session_id"]) for frame in reversed(self.frames) if frame["type"] == "connected")

    @property
    def last_seq(self) -> int:
        """The number of the newest frame."""
        return int(self.frames[-1]["seq"])

    async def send(self, kind: str, **fields: Any) -> None:
        """Send a frame."""
        await self.connection.send(json.dumps({"type": kind, **fields}))

    async def say(self, content: str, **fields: Any) -> None:
        """Send a message of the person."""
        await self.send("user_message", content=content, **fields)

    async def receive(self) -> Frame:
        """Return the next frame."""
        async with asyncio.timeout(scaled(SECONDS)):
            frame = json.loads(await self.connection.recv())
        self.frames.append(frame)
        return dict(frame)

    async def until(self, *kinds: str) -> list[Frame]:
        """Return the next frames up to the first of some kind, that one included."""
        found: list[Frame] = []
        while not found or found[-1]["type"] not in kinds:
            found.append(await self.receive())
        return found

    async def next(self, kind: str) -> Frame:
        """Return the next frame of a kind, and skip the others."""
        return (await self.until(kind))[-1]

    async def answer(self) -> list[Frame]:
        """Return the frames up to the next end of an answer."""
        return await self.until(*ENDS)

    async def ask(self, content: str, **fields: Any) -> list[Frame]:
        """Send a message, and return the frames up to the end of its answer."""
        await self.say(content, **fields)
        return await self.answer()

    async def history(self, count: int) -> list[Frame]:
        """Ask for the history until it has this many messages; return them."""
        messages: list[Frame] = []

        async def is_whole() -> bool:
            await self.send("get_history")
            messages[:] = (await self.next("history"))["messages"]
            return len(messages) >= count

        await until(is_whole, f"the history has {count} messages", interval=0.05)
        return messages

    async def silence(self) -> None:
        """Return if nothing was on its way: the server answers a request after everything before it."""
        await self.send("get_history")
        assert (await self.receive())["type"] == "history", self.frames[-1]

    async def closed(self) -> tuple[int, str]:
        """Read until the connection ends; return the close code and the reason."""
        try:
            while True:
                await self.receive()
        except ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd is not None else (1006, "")


def text_of(frames: Sequence[Frame]) -> str:
    """Return the text of an answer."""
    return "".join(frame["content"] for frame in frames if frame["type"] == "token")


def kinds(frames: Sequence[Frame]) -> list[str]:
    """Return the types of frames that are about answers; tokens that follow each other count once."""
    found: list[str] = []
    for frame in frames:
        if frame["type"] not in AROUND and (frame["type"] != "token" or found[-1:] != ["token"]):
            found.append(frame["type"])
    return found


def answers_of(frames: Sequence[Frame]) -> list[str]:
    """Return the texts of the answers that have ended."""
    found, text = [], ""
    for frame in frames:
        if frame["type"] == "token":
            text += frame["content"]
        elif frame["type"] in ENDS:
            found.append(text)
            text = ""
    return found


async def jwt_of(world: World, user_id: str = "alice", *, minutes: int = 60) -> str:
    """Return a token of a user, as `xswarm token jwt` makes it."""
    made = await world.operator("POST", "/api/admin/jwt", {"user_id": user_id, "minutes": minutes})
    return str(made.json()["token"])


def url_of(world: World, path: str = PATH, **query: str | None) -> str:
    """Return the URL of the chat."""
    given = {name: value for name, value in query.items() if value is not None}
    return f"{world.http.replace('http', 'ws', 1)}{path}?{urlencode(given)}"


@asynccontextmanager
async def raw(url: str, **options: Any) -> AsyncIterator[ChatClient]:
    """Connect to a URL; what a test does not read waits in memory, so that closing is quick."""
    options.setdefault("max_queue", None)
    async with connect(url, proxy=None, max_size=None, open_timeout=scaled(SECONDS), **options) as connection:
        yield ChatClient(connection)


@asynccontextmanager
async def chatting(
    world: World, user_id: str = "alice", *, session_id: str | None = None, path: str = PATH, **options: Any
) -> AsyncIterator[ChatClient]:
    """Connect as a person; `connected` is received."""
    token = await jwt_of(world, user_id)
    async with raw(url_of(world, path, token=token, session_id=session_id), **options) as client:
        first = await client.receive()
        assert first["type"] == "connected", first
        yield client


async def as_stored(world: World, session_id: str) -> str:
    """Return the last answer of a chat as the model wrote it, which is what services read."""
    async with world.socket() as wire:
        await wire.send(json.dumps({"type": "get_history", "session_id": session_id, "limit": 2}))
        while (history := json.loads(await wire.recv()))["type"] != "history":
            pass
    return str(history["messages"][-1]["message"])


async def add_user(world: World, user_id: str, role: str = "ADMIN") -> None:
    """Add a user, or change the role of one."""
    body = {"name": user_id.title(), "role": role, "phones": [], "emails": []}
    assert (await world.operator("PUT", f"/api/admin/users/{user_id}", body)).status_code == 200
