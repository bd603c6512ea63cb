"""The daemon's ends of the three pipes of a subprocess."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from io import FileIO
from typing import IO, cast


def own_end(loop: asyncio.AbstractEventLoop, pipe: IO[bytes] | None, mode: str) -> FileIO:
    """Return the daemon's end of a pipe as a file that this event loop closes exactly once.

    uvloop closes the descriptor and then the file; the second close could hit a descriptor that another thread has
    opened in between.
    """
    assert pipe is not None
    descriptor = os.dup(pipe.fileno())
    pipe.close()
    return FileIO(descriptor, mode, closefd=isinstance(loop, asyncio.BaseEventLoop))


class ErrorTail(asyncio.Protocol):
    """Keeps the last bytes that come through a pipe, and tells a listener each line."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data = b""
        self._unfinished = b""
        self._listener: Callable[[str], None] | None = None

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with each line, also with those that came before."""
        self._listener = listener
        self._tell(self._data)

    def data_received(self, data: bytes) -> None:
        self._data = (self._data + data)[-self._limit :]
        if self._listener is not None:
            self._tell(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._listener is not None and self._unfinished:  # the last line has no line feed
            self._listener(self._unfinished.decode(errors="replace"))
        self._unfinished = b""

    def _tell(self, data: bytes) -> None:
        assert self._listener is not None, "somebody listens"
        *lines, self._unfinished = (self._unfinished + data).split(b"\n")
        self._unfinished = self._unfinished[-self._limit :]
        for line in filter(None, lines):
            self._listener(line.decode(errors="replace"))

    def text(self) -> str:
        """Return the last bytes as text."""
        return self._data.decode(errors="replace").strip()


class InputPipe(asyncio.BaseProtocol):
    """The writing end of a pipe, with flow control."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._free = asyncio.Event()
        self._free.set()
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # connect_write_pipe promises a WriteTransport; that of uvloop does not inherit from the class.
        self._transport = cast(asyncio.WriteTransport, transport)

    def pause_writing(self) -> None:
        self._free.clear()

    def resume_writing(self) -> None:
        self._free.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._transport = None
        self._free.set()

    def write(self, data: bytes) -> None:
        """Buffer data; `drained` waits until the pipe has taken enough of it."""
        assert self._transport is not None
        self._transport.write(data)

    async def drained(self) -> None:
        """Wait until the buffer is short enough again, or the pipe is closed."""
        await self._free.wait()

    def close(self) -> None:
        """Close the pipe after the buffered data has been read."""
        self.closed = True
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close the pipe now and drop the buffered data."""
        self.closed = True
        if self._transport is not None:
            self._transport.abort()
