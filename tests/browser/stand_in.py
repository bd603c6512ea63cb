"""A chat server that a test scripts frame by frame: it numbers, keeps and replays frames as the daemon does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.typing import Subprotocol

from tests.waiting import until

Frame = Mapping[str, Any]


class ChatStandIn:
    """Speaks the chat protocol to browsers; what it says and when is the test's.

    Args:
        port: of its own.

    Attributes:
        received: the frames of clients.
        tokens: the token of each connection.
    """

    def __init__(self, port: int) -> None:
        self.received: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        self._port = port
        self._seq = 0
        self._log: list[dict[str, Any]] = []
        self._open: set[ServerConnection] = set()
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._connected,
            "127.0.0.1",
            self._port,
            subprotocols=[Subprotocol("bearer")],
            select_subprotocol=self._select,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def say(self, *frames: Frame) -> None:
        """Number and keep frames, and send them to all."""
        for frame in frames:
            kept = self._numbered(frame)
            self._log.append(kept)
            for connection in self._open:
                await connection.send(json.dumps(kept))

    async def got(self, kind: str, count: int = 1) -> dict[str, Any]:
        """Wait for the `count`th frame of a type, and return it."""

        def found() -> list[dict[str, Any]]:
            return [frame for frame in self.received if frame["type"] == kind]

        await until(lambda: len(found()) >= count, f"{count} frames {kind}")
        return found()[count - 1]

    async def cut(self) -> None:
        """Lose all connections, as a network does."""
        for connection in list(self._open):
            connection.transport.abort()
        await until(lambda: not self._open, "all connections are lost")

    async def connected(self, count: int = 1) -> None:
        """Wait for connections."""
        await until(lambda: len(self._open) >= count, f"{count} connections")

    def _select(self, connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        if not offered:
            return None
        self.tokens.append(offered[1])
        return offered[0]

    async def _connected(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        (session,) = parse_qs(urlsplit(connection.request.path).query)["session_id"]
        hello = {"type": "connected", "session_id": session, "history_count": 0, "seq": self._seq}
        await connection.send(json.dumps(hello))
        self._open.add(connection)
        try:
            async for text in connection:
                frame = json.loads(text)
                self.received.append(frame)
                if frame["type"] == "resume":
                    missed = [kept for kept in self._log if kept["seq"] > frame["after_seq"]]
                    for kept in [*missed, self._numbered({"type": "resumed"})]:
                        await connection.send(json.dumps(kept))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(connection)

    def _numbered(self, frame: Frame) -> dict[str, Any]:
        self._seq += 1
        return {**frame, "seq": self._seq}
