"""Request bodies: read whole, within a limit of bytes and of time, before anything looks at them."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from supervisor.wires.failures import BodyTooLarge, BodyTooSlow

MAX_BODY = 1024 * 1024
"""Bytes of a request; a message of 1,000,000 characters of plain text fits."""

MAX_WEBHOOK = 64 * 1024
"""Bytes of a provider's request."""

BODY_SECONDS = 30.0


class Bodies:
    """Hands the application a body that is there already."""

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY, seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._limit = limit
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            body = await read(scope, receive, self._limit, self._seconds)
            if body is None:
                return
            receive = given(body, receive)
        await self._app(scope, receive, send)


async def read(scope: Scope, receive: Receive, limit: int, seconds: float = BODY_SECONDS) -> bytes | None:
    """Return the body of a request; None where the client left before its end.

    Args:
        limit: in bytes.
        seconds: that it may take to come.

    Raises:
        BodyTooLarge: it is, or says that it is; nothing more of it is read.
        BodyTooSlow.
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


def given(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives a body first, then whatever comes."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return first.pop() if first else await receive()

    return again
