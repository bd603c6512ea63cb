"""A load balancer as small as can be: each connection goes to the next node that says it is ready."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

CHUNK = 64 * 1024
PROBE = b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
PROBE_SECONDS = 2.0
TRIES = 20
TRY_SECONDS = 0.5


class Balancer:
    """`async with` listens on loopback and passes connections on.

    Args:
        ports: of the HTTP servers of the nodes.
        port: to listen on; 0 = a free one.
    """

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.ports: Sequence[int] = ()
        self._next = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The URL that the provider calls."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            port = await self._ready()
            if port is not None:
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        except OSError:
            pass  # the node went away meanwhile: the provider sees its connection end
        finally:
            writer.close()

    async def _ready(self) -> int | None:
        for _ in range(TRIES):
            for _ in self.ports:
                self._next = (self._next + 1) % len(self.ports)
                if await _is_ready(port := self.ports[self._next]):
                    return port
            await asyncio.sleep(TRY_SECONDS)  # a standby takes over
        return None


async def _is_ready(port: int) -> bool:
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(PROBE_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(PROBE)
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    return False


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
