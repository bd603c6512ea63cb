"""Servers that are no xswarm of today: an older one, a newer one, and others. They speak real WebSockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

Answering = Callable[[dict[str, Any], ServerConnection], Awaitable[None]]


@asynccontextmanager
async def speaking(answer: Callable[[ServerConnection], Awaitable[None]], port: int = 0) -> AsyncIterator[str]:
    """Serve WebSockets; yields the URL."""
    async with serve(answer, "127.0.0.1", port) as server:
        (listener,) = server.sockets
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}"


@asynccontextmanager
async def daemon(answers: Answering, welcome: dict[str, Any], port: int = 0) -> AsyncIterator[str]:
    """Serve a daemon that welcomes each token and answers each further frame by a function; yields the URL."""

    async def serve_one(websocket: ServerConnection) -> None:
        async for text in websocket:
            frame = json.loads(text)
            if frame["type"] == "auth":
                await say(websocket, type="auth_result", success=True, message="Authenticated successfully", **welcome)
            else:
                await answers(frame, websocket)

    async with speaking(serve_one, port) as url:
        yield url


async def say(websocket: ServerConnection, **frame: Any) -> None:
    """Send a frame."""
    await websocket.send(json.dumps(frame))
