"""The frames that wait for one client: bounded, and joined where they are pieces of the same text."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from supervisor.wires.chat.frames import Token
from supervisor.wires.chat.rooms.log import Numbered, numbered

MAX_FRAMES = 1_000
"""Most frames in the queue of one client."""

MAX_BYTES = 4 * 1024 * 1024
"""Most bytes in the queue of one client; a single larger frame is taken if the queue is empty."""

JOINED_CHARACTERS = 32_768
"""The longest text of a joined `token`."""


class Wire(Protocol):
    """The socket of one client.

    Attributes:
        writable: set while the client reads fast enough, and after the connection was lost.
    """

    writable: asyncio.Event

    def write(self, data: bytes) -> None:
        """Send a text frame without waiting; does nothing once the connection is closed or lost."""

    def abort(self) -> None:
        """End the connection at once, whatever the client still had to read."""


class Outgoing:
    """Writes frames at once while the client reads, and queues them while it does not.

    Args:
        on_overflow: called once when the queue is full; nothing is written after that.
    """

    __slots__ = ("_bytes", "_closed", "_on_overflow", "_queue", "_wire", "_writer")

    def __init__(self, wire: Wire, on_overflow: Callable[[], None]) -> None:
        self._wire = wire
        self._on_overflow = on_overflow
        self._queue: deque[Numbered] = deque()
        self._bytes = 0
        self._writer: asyncio.Task[None] | None = None
        self._closed = False

    def post(self, frame: Numbered) -> None:
        """Send a frame after those before it; returns at once."""
        if self._closed:
            return
        if self._writer is None and self._wire.writable.is_set():
            self._wire.write(frame.data)
            return
        self._queue_up(frame)
        if len(self._queue) > 1 and (len(self._queue) > MAX_FRAMES or self._bytes > MAX_BYTES):
            self.close()
            self._on_overflow()
        elif self._writer is None:
            self._writer = asyncio.create_task(self._write(), name="write to a chat client")

    async def flush(self) -> None:
        """Return when the queue is written, or is closed."""
        while self._writer is not None and not self._closed:
            await asyncio.wait([self._writer])

    def close(self) -> None:
        """Drop the queue."""
        self._closed = True
        self._queue.clear()
        self._bytes = 0
        if self._writer is not None:
            self._writer.cancel()

    def _queue_up(self, frame: Numbered) -> None:
        last = self._queue[-1] if self._queue else None
        if last is not None and last.text is not None and frame.text is not None:
            text = last.text + frame.text
            if len(text) <= JOINED_CHARACTERS:
                self._queue.pop()
                self._bytes -= len(last.data)
                frame = numbered(Token(content=text), frame.seq)
        self._queue.append(frame)
        self._bytes += len(frame.data)

    async def _write(self) -> None:
        try:
            while self._queue:
                await self._wire.writable.wait()
                if self._queue:
                    frame = self._queue.popleft()
                    self._bytes -= len(frame.data)
                    self._wire.write(frame.data)
        finally:
            self._writer = None
