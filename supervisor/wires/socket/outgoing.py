"""What one client is still to be sent: a bounded queue that one task at a time writes to the socket."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from supervisor.protocol.events import ClaudeCodeDelta
from supervisor.wires.socket.codec import encode

MAX_FRAMES = 1_000
"""Frames that wait for one client."""

MAX_BYTES = 4 * 1024 * 1024
"""Bytes that wait for one client; a single answer may be larger when nothing waits before it."""

WRITE_SECONDS = 5.0
"""How long a write that somebody waits for may take: the other end reads nothing any more."""

PIECE_BYTES = 64
"""What a piece of text takes in memory besides its characters."""


class Gone(Exception):
    """The client is not there any more, or does not read; what was to be written was not."""


@dataclass(slots=True)
class _Waiting:
    """One frame in the queue.

    Attributes:
        delta: the first piece of a text; encoded when its turn comes, joined with `pieces`.
        pieces: those that came while it waited.
        written: somebody waits for it to be written.
    """

    frame: bytes = b""
    size: int = 0
    delta: ClaudeCodeDelta | None = None
    pieces: list[str] = field(default_factory=list)
    written: asyncio.Future[None] | None = None

    def encoded(self) -> bytes:
        """Return the frame."""
        if self.delta is None:
            return self.frame
        return encode(replace(self.delta, text=self.delta.text + "".join(self.pieces)))


class Outgoing:
    """The way to one client.

    Args:
        too_slow: called once when the queue is full; nothing is written from then on.
    """

    __slots__ = ("_bytes", "_closed", "_queue", "_too_slow", "_websocket", "_writer")

    def __init__(self, websocket: ServerConnection, too_slow: Callable[[], None]) -> None:
        self._websocket = websocket
        self._too_slow = too_slow
        self._queue: deque[_Waiting] = deque()
        self._bytes = 0
        self._writer: asyncio.Task[Any] | None = None
        self._closed = False

    def post(self, frame: bytes) -> None:
        """Queue a frame; never waits."""
        self._push(_Waiting(frame, len(frame)))
        self._start()

    def post_delta(self, delta: ClaudeCodeDelta) -> None:
        """Queue a piece of text, joined to the piece before where that still waits."""
        size = len(delta.text) + PIECE_BYTES
        last = self._queue[-1] if self._queue else None
        if last is not None and last.delta is not None and last.delta.message_id == delta.message_id:
            last.pieces.append(delta.text)
            last.size += size
            self._bytes += size
            if self._bytes > MAX_BYTES:
                self._overflow()
            return
        self._push(_Waiting(size=size, delta=delta))
        self._start()

    async def send(self, frame: bytes) -> None:
        """Queue a frame, and write what waits where nobody else does; for a task of the client's own."""
        self._push(_Waiting(frame, len(frame)))
        if self._writer is None:
            await self._write_all()

    async def write(self, frame: bytes) -> None:
        """Queue a frame and return when it is written.

        Raises:
            Gone: it was not: the client left, or did not read for some seconds and is closed for that.
        """
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._push(_Waiting(frame, len(frame), written=written))
        self._start()
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await written
        except TimeoutError:
            self._overflow()
            raise Gone from None

    async def flush(self) -> None:
        """Return when all that waits is written, or nothing can be any more."""
        while self._writer is not None and not self._closed:
            await asyncio.wait([self._writer])

    def close(self) -> None:
        """Forget what waits; whoever waits for it is told."""
        self._closed = True
        for waiting in self._queue:
            _lose(waiting)
        self._queue.clear()
        self._bytes = 0

    def _push(self, waiting: _Waiting) -> None:
        if self._closed:
            _lose(waiting)
            return
        full = len(self._queue) >= MAX_FRAMES or self._bytes + waiting.size > MAX_BYTES
        self._queue.append(waiting)
        self._bytes += waiting.size
        if full and len(self._queue) > 1:
            self._overflow()

    def _overflow(self) -> None:
        if not self._closed:
            self.close()
            self._too_slow()

    def _start(self) -> None:
        if self._writer is None and self._queue:
            self._writer = asyncio.create_task(self._write_all(), name="write to a client")

    async def _write_all(self) -> None:
        self._writer = asyncio.current_task()
        waiting: _Waiting | None = None
        try:
            while self._queue:
                waiting = self._queue.popleft()
                self._bytes -= waiting.size
                await self._websocket.send(waiting.encoded(), text=True)
                if waiting.written is not None and not waiting.written.done():
                    waiting.written.set_result(None)
        except ConnectionClosed:
            self.close()
        finally:
            self._writer = None
            if waiting is not None:
                _lose(waiting)


def _lose(waiting: _Waiting) -> None:
    if waiting.written is not None and not waiting.written.done():
        waiting.written.set_exception(Gone())
