"""Request bodies: read completely, within a size limit and a timeout, before any other layer sees them."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from supervisor.wires.failures import BodyTooLarge, BodyTooSlow

MAX_BODY = 1024 * 1024
"""Most bytes of a request body; a message of 1,000,000 ASCII characters fits."""

MAX_WEBHOOK = 64 * 1024
"""Most bytes of a webhook's body."""

BODY_SECONDS = 30.0
"""Timeout of a request body, in seconds."""


class Bodies:
    """Reads the body of each request before the application starts."""

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY, seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._limit = limit
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            body = await read_body(scope, receive, self._limit, self._seconds)
            if body is None:
                return
            receive = replay(body, receive)
        await self._app(scope, receive, send)


async def read_body(scope: Scope, receive: Receive, limit: int, seconds: float = BODY_SECONDS) -> bytes | None:
    """Return the body of a request; None if the client disconnected before the end.

    Args:
        limit: in bytes.
        seconds: the timeout.

    Raises:
        BodyTooLarge: the body, or its Content-Length, exceeds the limit; the rest is not read.
        BodyTooSlow: the timeout has expired.
    """
    announced = Headers(scope=scope).get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise BodyTooLarge(limit)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                body += message.get("body", b"")
                if len(body) > limit:
                    raise BodyTooLarge(limit)
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise BodyTooSlow(seconds) from None


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that yields a body that was read already, then the further messages."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return first.pop() if first else await receive()

    return again
