"""The Idempotency-Key header: for 24 h a repeated request gets the first answer, even after a restart."""

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
from supervisor.protocol.errors import IdempotencyConflict, InvalidMessage, Overloaded, StorageError
from supervisor.protocol.times import Clock, now_ms
from supervisor.protocol.values.record import record
from supervisor.store.ports.keys import IdempotencyStore
from supervisor.wires.http.bodies import replay

logger = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
WITH_SECRETS = re.compile(r"/api/admin/(?:tokens|jwt|users/[^/]*/link)|/api/auth/.*")
"""Paths whose answer contains a secret, or sets it as a cookie; such answers are not stored."""

LOOKS = 1500
LOOK_SECONDS = 0.2
"""A request that another node carries out is waited for, for five minutes."""

_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?")


@record
class IdempotencyKey:
    """The identity of a request with an Idempotency-Key.

    Attributes:
        key: the key as the client wrote it.
        external_id: hash of method, path and key; the store deduplicates messages of a caller by it.
        digest: SHA-256 of the body.
    """

    key: str
    external_id: str
    digest: str


@dataclass(slots=True)
class _Running:
    """A running request, and the number of requests that use its lock."""

    digest: str
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class Idempotency:
    """Carries out a POST with a key once, and stores its answer if the status is 2xx.

    Errors are not stored: either nothing was accepted, or the store finds the accepted message by its `external_id`.
    A retry with the request_key key is therefore safe.

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
        body = (await receive()).get("body", b"")  # `Bodies` has read it completely
        place = f"{scope['method']} {scope['path']}"
        request_key = IdempotencyKey(
            key=key,
            external_id=hashlib.sha256(f"{place}\n{key}".encode()).hexdigest(),
            digest=hashlib.sha256(body).hexdigest(),
        )
        scope["state"]["idempotency_key"] = request_key
        owner = f"{caller.account} {place}"
        async with self._alone(owner, request_key):
            first = await self._first(owner, key)
            if first is not None:
                digest, status, text = first
                if digest != request_key.digest:
                    raise IdempotencyConflict(key)
                await Response(text or None, status, media_type="application/json")(scope, receive, send)
                return
            answer = _Answer(send)
            try:
                await self._app(scope, replay(body, receive), answer)
            finally:
                if 200 <= answer.status < 300:
                    await self._keep(owner, request_key, answer)
                else:
                    await self._release(owner, key)
            await answer.release()

    async def _first(self, owner: str, key: str) -> tuple[str, int, str] | None:
        """Return the first answer; None = there is none, and this request is the one that is carried out.

        Raises:
            Overloaded: another node carries the request out, and does not end.
        """
        for _ in range(LOOKS):
            first = await self._keys.idempotent(owner, key)
            if first is not None:
                return first
            if await self._keys.claim(owner, key, now_ms=self._clock()):
                # Another node may have ended between the two.
                first = await self._keys.idempotent(owner, key)
                if first is not None:
                    await self._release(owner, key)
                return first
            await asyncio.sleep(LOOK_SECONDS)
        raise Overloaded

    async def _release(self, owner: str, key: str) -> None:
        try:
            await self._keys.release(owner, key)
        except StorageError as error:  # the next request of this process takes it, and every one after a restart
            logger.error("the claim of an Idempotency-Key could not be given up: %s", error)

    @asynccontextmanager
    async def _alone(self, owner: str, request_key: IdempotencyKey) -> AsyncIterator[None]:
        """Hold the lock of a key; wait for the running request with this key.

        Raises:
            IdempotencyConflict: the running request has another body.
        """
        running = self._running.setdefault((owner, request_key.key), _Running(request_key.digest))
        if running.digest != request_key.digest:
            raise IdempotencyConflict(request_key.key)
        running.users += 1
        try:
            async with running.lock:
                yield
        finally:
            running.users -= 1
            if not running.users:
                del self._running[owner, request_key.key]

    async def _keep(self, owner: str, request_key: IdempotencyKey, answer: _Answer) -> None:
        text = answer.body.decode()
        try:
            await self._keys.keep_answer(
                owner, request_key.key, request_key.digest, answer.status, text, now_ms=self._clock()
            )
        except StorageError as error:
            # The request was carried out, so its caller gets the answer. A repetition will not find it.
            logger.error("the answer to an Idempotency-Key could not be stored: %s", error)


class _Answer:
    """Holds an answer back until it is stored."""

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
        """Send the answer."""
        for message in self._held:
            await self._send(message)


def _key(scope: Scope) -> str | None:
    """Return the key of a POST request; None = there is none, or the method ignores keys.

    Raises:
        InvalidMessage: the key is not valid, or this path accepts none.
    """
    given_keys = Headers(scope=scope).getlist(HEADER) if scope["type"] == "http" and scope["method"] == "POST" else []
    if not given_keys:
        return None
    if len(given_keys) > 1 or not _KEY.fullmatch(given_keys[0]):
        raise InvalidMessage(HEADER, "must be one header of 1 to 128 printable ASCII characters")
    if WITH_SECRETS.fullmatch(scope["path"]):
        raise InvalidMessage(HEADER, "not accepted here: the answer contains a secret, which is not stored")
    return given_keys[0]


async def _given_key(
    request: Request, key: Annotated[str | None, Header(alias=HEADER, max_length=128)] = None
) -> IdempotencyKey | None:
    request_key = getattr(request.state, "idempotency_key", None)
    return request_key if isinstance(request_key, IdempotencyKey) else None


GivenKey = Annotated[IdempotencyKey | None, Depends(_given_key)]
"""A parameter of a route: the Idempotency-Key of the request; None = it has none."""
