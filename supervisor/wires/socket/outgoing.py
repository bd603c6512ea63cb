"""The send queue of one client: bounded, and written to the socket by one task at a time (backpressure)."""

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
"""Most frames in the queue of one client."""

MAX_BYTES = 4 * 1024 * 1024
"""Most bytes in the queue of one client; a single larger frame is taken if the queue is empty."""

WRITE_SECONDS = 5.0
"""Timeout of `write`, in seconds: by then the client has stopped reading."""

DELTA_CHARACTERS = 100_000
"""The longest text of one delta: as JSON, where a character takes six bytes at most, it stays below 1 MiB."""

PIECE_BYTES = 64
"""Memory of a piece of text besides its characters, in bytes."""


class ClientGone(Exception):
    """The client has disconnected or does not read; the frame was not written."""


@dataclass(slots=True)
class _QueuedFrame:
    """One frame in the queue.

    Attributes:
        delta: the first piece of a text; it is encoded just before the write, joined with `pieces`.
        pieces: the pieces of the same text that arrived meanwhile.
        written: resolved when the frame is written; None = nobody waits for that.
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


class SendQueue:
    """Frames that wait until the socket of one client takes them.

    Args:
        on_overflow: called once when the queue is full; nothing is written after that.
    """

    __slots__ = ("_bytes", "_closed", "_on_overflow", "_queue", "_websocket", "_writer")

    def __init__(self, websocket: ServerConnection, on_overflow: Callable[[], None]) -> None:
        self._websocket = websocket
        self._on_overflow = on_overflow
        self._queue: deque[_QueuedFrame] = deque()
        self._bytes = 0
        self._writer: asyncio.Task[Any] | None = None
        self._closed = False

    def post(self, frame: bytes) -> None:
        """Queue a frame; returns at once."""
        self._push(_QueuedFrame(frame, len(frame)))
        self._start()

    def post_delta(self, delta: ClaudeCodeDelta) -> None:
        """Queue a piece of text; it is joined to the piece before if that one is still in the queue, and short."""
        if len(delta.text) > DELTA_CHARACTERS:
            for start in range(0, len(delta.text), DELTA_CHARACTERS):
                self.post_delta(replace(delta, text=delta.text[start : start + DELTA_CHARACTERS]))
            return
        size = len(delta.text) + PIECE_BYTES
        last = self._queue[-1] if self._queue else None
        joins = last is not None and last.size + size <= DELTA_CHARACTERS
        if joins and last is not None and last.delta is not None and last.delta.message_id == delta.message_id:
            last.pieces.append(delta.text)
            last.size += size
            self._bytes += size
            if self._bytes > MAX_BYTES:
                self._overflow()
            return
        self._push(_QueuedFrame(size=size, delta=delta))
        self._start()

    async def send(self, frame: bytes) -> None:
        """Queue a frame; if no task writes the queue, write it in the calling task."""
        self._push(_QueuedFrame(frame, len(frame)))
        if self._writer is None:
            await self._write_all()

    async def write(self, frame: bytes) -> None:
        """Queue a frame and return when it is written.

        Raises:
            ClientGone: the client disconnected, or did not read for `WRITE_SECONDS` and is closed.
        """
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._push(_QueuedFrame(frame, len(frame), written=written))
        self._start()
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await written
        except TimeoutError:
            self._overflow()
            raise ClientGone from None

    async def flush(self) -> None:
        """Return when the queue is written, or can no longer be written."""
        while self._writer is not None and not self._closed:
            await asyncio.wait([self._writer])

    def close(self) -> None:
        """Drop the queue; pending `write` calls raise `ClientGone`."""
        self._closed = True
        for queued in self._queue:
            _fail_write(queued)
        self._queue.clear()
        self._bytes = 0

    def _push(self, queued: _QueuedFrame) -> None:
        if self._closed:
            _fail_write(queued)
            return
        full = len(self._queue) >= MAX_FRAMES or self._bytes + queued.size > MAX_BYTES
        self._queue.append(queued)
        self._bytes += queued.size
        if full and len(self._queue) > 1:
            self._overflow()

    def _overflow(self) -> None:
        if not self._closed:
            self.close()
            self._on_overflow()

    def _start(self) -> None:
        if self._writer is None and self._queue:
            self._writer = asyncio.create_task(self._write_all(), name="write to a client")

    async def _write_all(self) -> None:
        self._writer = asyncio.current_task()
        queued: _QueuedFrame | None = None
        try:
            while self._queue:
                queued = self._queue.popleft()
                self._bytes -= queued.size
                await self._websocket.send(queued.encoded(), text=True)
                if queued.written is not None and not queued.written.done():
                    queued.written.set_result(None)
        except ConnectionClosed:
            self.close()
        finally:
            self._writer = None
            if queued is not None:
                _fail_write(queued)


def _fail_write(queued: _QueuedFrame) -> None:
    if queued.written is not None and not queued.written.done():
        queued.written.set_exception(ClientGone())
