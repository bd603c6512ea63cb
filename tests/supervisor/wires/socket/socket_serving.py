"""The supervisor socket over a real core, on a real port, and clients of it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from supervisor import config
from supervisor.operations.operations import Operations
from supervisor.protocol.ports.connector import Connector
from supervisor.wires.socket.channel import SocketChannel
from supervisor.wires.socket.server import SocketServer
from tests.fakes import ScriptedConnector
from tests.slowness import scaled
from tests.supervisor.harness import SERVICE, Core

TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

PATIENCE = 20.0
"""Seconds until a frame that does not come fails a test."""

PLENTY = config.ClaudeCode(max_sessions=1_000, max_processes=1_000)


class Client:
    """One connection, speaking in dictionaries."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket

    async def send(self, kind: str, **fields: Any) -> None:
        """Send a message."""
        await self.websocket.send(json.dumps({"type": kind, **fields}))

    async def receive(self) -> dict[str, Any]:
        """Return the next frame."""
        async with asyncio.timeout(scaled(PATIENCE)):
            frame = await self.websocket.recv()
        assert isinstance(frame, str)
        content = json.loads(frame)
        assert isinstance(content, dict)
        return content

    async def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send a message and return the next frame."""
        await self.send(kind, **fields)
        return await self.receive()

    async def receive_type(self, kind: str) -> dict[str, Any]:
        """Return the next frame of a type, passing over others."""
        while (frame := await self.receive())["type"] != kind:
            pass
        return frame

    async def authenticate(self, token: str = SERVICE) -> None:
        """Send a good token."""
        answer = await self.ask("auth", token=token)
        assert answer["success"], answer

    async def connect(
        self, core: Core, session_id: str = "s1", user_id: str = "alice", path: Path | None = None
    ) -> dict[str, Any]:
        """Connect a session, in the project "site" where no path is given."""
        answer = await self.ask(
            "claude_code_connect", session_id=session_id, project_path=str(path or core.site), user_id=user_id
        )
        assert answer["type"] == "claude_code_connected", answer
        return answer

    async def closed(self) -> tuple[int | None, str]:
        """Read until the connection ends; return the close code and reason that came."""
        async with asyncio.timeout(scaled(PATIENCE)):
            with suppress(ConnectionClosed):
                while True:
                    await self.websocket.recv()
        return self.websocket.close_code, self.websocket.close_reason or ""

    async def quiet(self) -> bool:
        """Return whether nothing was on its way: a ping is answered first."""
        return await self.ask("ping", request_id="quiet") == {"type": "pong", "request_id": "quiet"}


class Listening:
    """`async with` starts core and socket, and ends both in the daemon's order.

    Args:
        parked: whether replies stay where they are (nobody delivers for the socket).
    """

    def __init__(
        self,
        folder: Path,
        *,
        supervisor: config.Supervisor | None = None,
        connector: Connector | None = None,
        assistant: Connector | None = None,
        claude_code: config.ClaudeCode | None = None,
        limits: config.Limits | None = None,
        projects: Mapping[str, config.ProjectConfig] | None = None,
        auth_seconds: float = scaled(10.0),
        check_seconds: float = 0.02,
        close_seconds: float = scaled(5.0),
        parked: bool = False,
    ) -> None:
        self.core = Core(
            folder,
            connector=connector or ScriptedConnector(),
            assistant=assistant or ScriptedConnector(),
            claude_code=claude_code or PLENTY,
            limits=limits,
            projects=projects,
        )
        self._config = supervisor or config.Supervisor(port=0)
        self._auth_seconds = auth_seconds
        self._check_seconds = check_seconds
        self._close_seconds = close_seconds
        self._parked = parked
        self._stack = AsyncExitStack()

    @property
    def scripted(self) -> ScriptedConnector:
        """What answers."""
        assert isinstance(self.core.connector, ScriptedConnector)
        return self.core.connector

    @property
    def assistant(self) -> ScriptedConnector:
        """What answers as the assistant."""
        assert isinstance(self.core.assistant_connector, ScriptedConnector)
        return self.core.assistant_connector

    async def __aenter__(self) -> Listening:
        async with AsyncExitStack() as stack:
            core = await stack.enter_async_context(self.core)
            self.server = self._server(core.operations)
            core.outbox.add_channel(SocketChannel(self.server))
            stack.push_async_callback(self.server.aclose)
            if not self._parked:
                delivery = asyncio.create_task(core.outbox.run("socket"), name="replies by socket")
                stack.push_async_callback(_end, delivery)
            await self.server.start()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    def _server(self, operations: Operations) -> SocketServer:
        return SocketServer(
            self._config,
            replace(self.core.api, operations=operations),
            auth_seconds=self._auth_seconds,
            check_seconds=self._check_seconds,
            close_seconds=self._close_seconds,
        )

    async def raw(self, url: str = "", **options: Any) -> ClientConnection:
        """Open a connection that does not say who it is; it is closed at the end."""
        settings: dict[str, Any] = {
            "compression": None,
            "proxy": None,
            "max_size": None,
            "open_timeout": scaled(10.0),
            **options,
        }
        return await self._stack.enter_async_context(connect(url or self.server.url, **settings))

    async def client(self, token: str | None = SERVICE, **options: Any) -> Client:
        """Open a connection and authenticate it; None = it has no token."""
        client = Client(await self.raw(**options))
        if token is not None:
            await client.authenticate(token)
        return client

    async def client_of(self, operations: Operations) -> Client:
        """Return a client of another server over the same core, with operations of the test's own."""
        server = self._server(operations)
        await server.start()
        self._stack.push_async_callback(server.aclose)
        client = Client(await self.raw(server.url))
        await client.authenticate()
        return client


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def checked(answer: dict[str, Any], **patterns: re.Pattern[str]) -> dict[str, Any]:
    """Return an answer without the fields that match a pattern, which differ from run to run."""
    for name, pattern in {"timestamp": TIME, **patterns}.items():
        assert pattern.fullmatch(str(answer.pop(name))), (name, answer)
    return answer


def refusal(code: str, message: str, **more: Any) -> dict[str, Any]:
    """Return an error frame."""
    return {"type": "error", "message": message, "code": code, **more}
