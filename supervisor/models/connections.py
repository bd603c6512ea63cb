"""Connections of the loopback HTTP server: a deadline for heads and slow readers, and a limit on their number."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from aiohttp import web

HEAD_SECONDS = 75.0
"""Deadline of a request head, from the connect or the last answer, in seconds."""

READ_SECONDS = 120.0
"""Deadline for a client that reads nothing of an answer, in seconds."""

BODY_SECONDS = 60.0
"""Deadline of a request body, in seconds."""

MAX_CONNECTIONS = 512
"""Most open connections. The next one closes the connection that has waited longest for a request."""


class BoundedConnection(web.RequestHandler):
    """aiohttp's HTTP protocol with limits. aiohttp waits for a head for an hour, and for a reader for ever."""

    __slots__ = ("_reading_deadline",)

    head_seconds: ClassVar[float] = HEAD_SECONDS
    read_seconds: ClassVar[float] = READ_SECONDS
    max_connections: ClassVar[int] = MAX_CONNECTIONS

    def __init__(self, server: web.Server, loop: asyncio.AbstractEventLoop) -> None:
        # aiohttp's keep-alive timeout also ends a first head, and one that comes byte by byte.
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # None = no access log, which its annotation forgets
            keepalive_timeout=self.head_seconds,
            lingering_time=1.0,
        )
        self._reading_deadline: asyncio.TimerHandle | None = None

    @property
    def waits(self) -> bool:
        """Whether the client has sent no request that must be answered."""
        return not self._request_in_progress and not self._messages

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self._manager is not None and len(every := self._manager.connections) > self.max_connections:
            waiting: list[Any] = [connection for connection in every if getattr(connection, "waits", False)]
            min(waiting, key=lambda connection: connection._next_keepalive_close_time).abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._cancel_reading_deadline()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reading_deadline = self._loop.call_later(self.read_seconds, self.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._cancel_reading_deadline()

    def abort(self) -> None:
        """Close the connection at once, without sending the rest of an answer."""
        if self.transport is not None:
            self.transport.abort()

    def _cancel_reading_deadline(self) -> None:
        if self._reading_deadline is not None:
            self._reading_deadline.cancel()
            self._reading_deadline = None


async def read_body(request: web.Request, seconds: float = BODY_SECONDS) -> bytes:
    """Return the body of a request.

    Raises:
        web.HTTPRequestTimeout: the body is not complete after so many seconds.
    """
    try:
        async with asyncio.timeout(seconds):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
