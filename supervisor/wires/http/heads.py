"""Request heads: a size limit and a timeout for request line and headers, which uvicorn does not have."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD = 64 * 1024
"""Most bytes of a request line with its headers."""

HEAD_SECONDS = 30.0
"""Timeout from the connect, or from the first byte of a further request, to the end of the headers, in seconds."""


class LimitedHeads(HttpToolsProtocol):
    """The HTTP protocol of uvicorn, which closes a connection when a head is too long or too slow.

    Attributes:
        limit: in bytes; one more read of the socket may be buffered.
        seconds: the timeout of one head.
    """

    limit: ClassVar[int] = MAX_HEAD
    seconds: ClassVar[float] = HEAD_SECONDS

    _in_head = False
    _head_bytes = 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_deadline()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self._start_deadline()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._cancel_deadline()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > self.limit:
                self.send_400_response("Request head too large.")

    def _start_deadline(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.seconds, self.transport.close)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
