"""A small real server that speaks docs/protocol.md."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

NEVER_ANSWERED = "never answered"

Script = Callable[[ServerConnection, dict[str, Any]], Awaitable[None]]


def answer_to(prompt: dict[str, Any], **fields: Any) -> str:
    """Return the frame that answers a prompt with its own text; `fields` take precedence."""
    answer = {
        "id": f"answer-to-{prompt['id']}",
        "message_id": prompt["id"],
        "content": f"done: {prompt['content']}",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "cost_usd": 0.0125,
        "status": "success",
    }
    return json.dumps({**answer, **fields})


async def answer_all(connection: ServerConnection, prompt: dict[str, Any]) -> None:
    """Answer every prompt but `NEVER_ANSWERED`."""
    if prompt["content"] != NEVER_ANSWERED:
        await connection.send(answer_to(prompt))


class RemoteServer:
    """Listens on loopback while it is entered.

    Args:
        script: what is done with each prompt.
        port: 0 takes a free one.

    Attributes:
        handshakes: the requests that opened, or would have opened, a connection.
        prompts: what came in, parsed, over all connections.
        connections: those that are open.
        accepting: while it is not set, handshakes get no answer.
        refuse_with: the HTTP status that handshakes get instead of a connection, or None.
    """

    def __init__(self, script: Script = answer_all, *, port: int = 0) -> None:
        self.handshakes: list[Request] = []
        self.prompts: list[dict[str, Any]] = []
        self.connections: set[ServerConnection] = set()
        self.accepting = asyncio.Event()
        self.accepting.set()
        self.refuse_with: int | None = None
        self.port = port
        self._script = script
        self._server: Server | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def __aenter__(self) -> RemoteServer:
        self._server = await serve(
            self._handle, "127.0.0.1", self.port, process_request=self._welcome, max_size=2**24, close_timeout=1
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def cut(self) -> None:
        """Drop every connection without a closing handshake."""
        connections = list(self.connections)
        for connection in connections:
            connection.transport.abort()
        await asyncio.gather(*(connection.wait_closed() for connection in connections))

    async def _welcome(self, connection: ServerConnection, request: Request) -> Response | None:
        self.handshakes.append(request)
        await self.accepting.wait()
        if self.refuse_with is None:
            return None
        response = connection.respond(self.refuse_with, "no\n")
        response.headers["Location"] = "ws://192.0.2.1/"
        return response

    async def _handle(self, connection: ServerConnection) -> None:
        self.connections.add(connection)
        try:
            async for frame in connection:
                prompt = json.loads(frame)
                self.prompts.append(prompt)
                await self._script(connection, prompt)
        except ConnectionClosed:
            pass
        finally:
            self.connections.discard(connection)
