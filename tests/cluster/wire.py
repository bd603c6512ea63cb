"""A relay between two TCP ports of loopback that a test can cut, as a partition of the network does."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.ports import free_port

CHUNK = 64 * 1024


class Wire:
    """`async with` listens; each connection goes on to the target until the wire is cut.

    While it is cut nothing passes and nobody is told, as where packets are dropped; it may be cut in one direction
    only. `mend` ends the connections of before, as the first packet after a partition does where one side has given up.

    Args:
        target: the port that connections are passed on to.

    Attributes:
        port: where it listens; nobody gets it while connections are refused.
    """

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._forth, self._back = asyncio.Event(), asyncio.Event()
        self._forth.set()
        self._back.set()
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def cut(self, *, forth: bool = True, back: bool = True) -> None:
        """Let nothing pass from now on: `forth` to the target, `back` to who has connected."""
        for direction, is_cut in ((self._forth, forth), (self._back, back)):
            if is_cut:
                direction.clear()

    def mend(self) -> None:
        """Let new connections pass; those that were cut end."""
        for connection in self._connections:
            connection.cancel()
        self._forth.set()
        self._back.set()

    async def refuse(self) -> None:
        """Refuse connections from now on, and end those that are there, as where nobody listens."""
        assert self._server is not None
        self._server.close()
        await self._end_connections()

    async def listen(self) -> None:
        """Listen, for the first time or again after `refuse`."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.refuse()

    async def _end_connections(self) -> None:
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        others: list[asyncio.StreamWriter] = [writer]
        pumps: list[asyncio.Task[None]] = []
        try:
            await self._forth.wait()
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
            others.append(far_writer)
            pumps.append(asyncio.create_task(self._pump(reader, far_writer, self._forth)))
            pumps.append(asyncio.create_task(self._pump(far_reader, writer, self._back)))
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        except (OSError, asyncio.CancelledError):
            pass  # the target is away, or the wire was mended
        finally:
            self._connections.discard(task)
            for pump in pumps:
                pump.cancel()
            for each in others:
                each.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passes: asyncio.Event) -> None:
        with suppress(OSError):  # one side has ended the connection
            while chunk := await reader.read(CHUNK):
                await passes.wait()
                writer.write(chunk)
                await writer.drain()
        await passes.wait()  # the end of a connection is a packet too
