"""The Idempotency-Key header: the first answer again for 24 h, also to two requests at once and after a restart."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Header, Request
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from supervisor.people.identity import Caller
from supervisor.protocol.errors import IdempotencyConflict, InvalidMessage, StorageError
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.ports.keys import IdempotencyStore
from supervisor.wires.http.bodies import given

logger = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
SECRET = frozenset({"/api/admin/tokens", "/api/admin/jwt"})
"""Paths whose answer holds a secret, which is stored nowhere."""

_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatable:
    """What makes a request the same as an earlier one.

    Attributes:
        key: as the client wrote it.
        external_id: the key for this caller's one method and path, for the store's own check of messages.
        digest: of the body.
    """

    key: str
    external_id: str
    digest: str


@dataclass(slots=True)
class _Running:
    """A request that runs now, and how many wait for it or are it."""

    digest: str
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class Idempotency:
    """Runs a POST with a key once. Kept is what was carried out (2xx): an error has accepted nothing, or its message
    tells the same error again, so that trying again with the same key is safe.

    Args:
        clock: wall time in milliseconds UTC.
    """

    def __init__(self, app: ASGIApp, keys: IdempotencyStore, clock: Clock = now_ms) -> None:
        self._app = app
        self._keys = keys
        self._clock = clock
        self._running: dict[tuple[str, str], _Running] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = _key(scope)
        caller = scope["state"].get("caller")
        if key is None or not isinstance(caller, Caller):
            await self._app(scope, receive, send)
            return
        body = (await receive()).get("body", b"")  # read whole by `Bodies`
        place = f"{scope['method']} {scope['path']}"
        same = Repeatable(
            key=key,
            external_id=hashlib.sha256(f"{place}\n{key}".encode()).hexdigest(),
            digest=hashlib.sha256(body).hexdigest(),
        )
        scope["state"]["repeatable"] = same
        owner = f"{caller.account} {place}"
        async with self._alone(owner, same):
            first = await self._keys.idempotent(owner, key)
            if first is not None:
                digest, status, text = first
                if digest != same.digest:
                    raise IdempotencyConflict(key)
                await Response(text or None, status, media_type="application/json")(scope, receive, send)
                return
            answer = _Answer(send)
            await self._app(scope, given(body, receive), answer)
            if 200 <= answer.status < 300:
                await self._keep(owner, same, answer)
            await answer.release()

    @asynccontextmanager
    async def _alone(self, owner: str, same: Repeatable) -> AsyncIterator[None]:
        """Wait for the request of this key that runs now.

        Raises:
            IdempotencyConflict: it has another body.
        """
        running = self._running.setdefault((owner, same.key), _Running(same.digest))
        if running.digest != same.digest:
            raise IdempotencyConflict(same.key)
        running.users += 1
        try:
            async with running.lock:
                yield
        finally:
            running.users -= 1
            if not running.users:
                del self._running[owner, same.key]

    async def _keep(self, owner: str, same: Repeatable, answer: _Answer) -> None:
        text = answer.body.decode()
        try:
            await self._keys.keep_answer(owner, same.key, same.digest, answer.status, text, now_ms=self._clock())
        except StorageError as error:
            # It was carried out: its caller learns that, even where a repetition will not.
            logger.error("the answer to an Idempotency-Key could not be kept: %s", error)


class _Answer:
    """Holds an answer back until it is kept."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._held: list[Message] = []
        self.status = 0
        self.body = b""

    async def __call__(self, message: Message) -> None:
        self._held.append(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.body += message.get("body", b"")

    async def release(self) -> None:
        """Send what was held back."""
        for message in self._held:
            await self._send(message)


def _key(scope: Scope) -> str | None:
    """Return the key of a request; None where keys mean nothing.

    Raises:
        InvalidMessage: it is no key, or this path takes none.
    """
    given_keys = Headers(scope=scope).getlist(HEADER) if scope["type"] == "http" and scope["method"] == "POST" else []
    if not given_keys:
        return None
    if len(given_keys) > 1 or not _KEY.fullmatch(given_keys[0]):
        raise InvalidMessage(HEADER, "must be one header of 1 to 128 printable ASCII characters")
    if scope["path"] in SECRET:
        raise InvalidMessage(HEADER, "not taken here: the answer holds a secret, which is stored nowhere")
    return given_keys[0]


async def _repeatable(
    request: Request, key: Annotated[str | None, Header(alias=HEADER, max_length=128)] = None
) -> Repeatable | None:
    same = getattr(request.state, "repeatable", None)
    return same if isinstance(same, Repeatable) else None


Repeated = Annotated[Repeatable | None, Depends(_repeatable)]
"""A parameter of a route: what makes the request the same as an earlier one; None without a key."""
