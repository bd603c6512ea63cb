"""Request bodies: read completely, within a size limit and a timeout, before any other layer sees them."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from supervisor.wires.failures import BodyTooLarge, BodyTooSlow

MAX_BODY = 1024 * 1024
"""Most bytes of a request body; a message of 1,000,000 ASCII characters fits."""

UPLOADS = "/api/uploads/"
"""Below it, files are PUT, which may be larger than other bodies."""

UPLOAD_SECONDS = 180.0
"""Timeout of the body of a file, in seconds."""

MAX_WEBHOOK = 64 * 1024
"""Most bytes of a webhook's body."""

MAX_DISCARDED = 64 * 1024 * 1024
"""Most bytes of a refused body that are read and forgotten."""

DISCARD_SECONDS = 5.0
"""How long a refused body is read and forgotten, in seconds."""

BODY_SECONDS = 30.0
"""Timeout of a request body, in seconds."""


class Bodies:
    """Reads the body of each request before the application starts."""

    def __init__(
        self, app: ASGIApp, limit: int = MAX_BODY, seconds: float = BODY_SECONDS, upload_limit: int = MAX_BODY
    ) -> None:
        self._app = app
        self._limit = limit
        self._seconds = seconds
        self._upload_limit = upload_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["method"] == "PUT" and scope["path"].startswith(UPLOADS):
                body = await read_body(scope, receive, self._upload_limit, UPLOAD_SECONDS)
            else:
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


async def refuse_body(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the answer to a request whose body is too large, and discard the body for a while.

    A connection that is closed with unread data is reset, and the client may lose the answer before it has read it.
    """

    async def hold_open(message: Message) -> None:
        await send({**message, "more_body": True} if message["type"] == "http.response.body" else message)

    await response(scope, receive, hold_open)
    discarded = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_SECONDS):
            while discarded < MAX_DISCARDED:
                message = await receive()
                discarded += len(message.get("body", b""))
                if not message.get("more_body", False):
                    break
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that yields a body that was read already, then the further messages."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return first.pop() if first else await receive()

    return again
