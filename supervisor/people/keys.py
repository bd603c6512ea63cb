"""The keys of a foreign issuer: one secret, or a set of public keys that is read again when it changes."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from supervisor.config.issuers import is_safe_url

logger = logging.getLogger(__name__)

KEPT_SECONDS = 3600.0
"""After how many seconds a key set is read again, so that a key that its issuer has withdrawn ends."""

PAUSE_SECONDS = 30.0
"""Least time between two reads of a key set, in seconds, whatever tokens come."""

RETRY_SECONDS = 5.0
"""The same after a read that failed."""

FETCH_SECONDS = 5.0
"""Timeout of a fetch, in seconds."""

MAX_SET_BYTES = 256 * 1024
"""Most bytes of a key set."""

MAX_KEYS = 50
"""Most keys of a set that are used."""

LEAST_RSA_BITS = 2048
"""The shortest RSA key that is used (RFC 7518 section 3.3)."""

Monotonic = Callable[[], float]
"""Returns seconds of a clock that never goes back."""

Read = Callable[[], Awaitable[bytes]]
"""Returns a JWK Set as JSON, or raises `UnreadableKeys`."""


class UnreadableKeys(Exception):
    """A key set cannot be read; the message says why."""


class Keys(ABC):
    """The keys that an issuer may sign with."""

    @abstractmethod
    async def matching(self, kid: str | None) -> Sequence[Any]:
        """Return the keys that may have signed a token.

        Args:
            kid: the key that the token names; None = it names none, so that every key of the issuer is tried.
        """


class SharedSecret(Keys):
    """The one secret of an HS algorithm."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    async def matching(self, kid: str | None) -> Sequence[bytes]:
        return (self._secret,)


class KeySet(Keys):
    """A JWK Set (RFC 7517) from a file or a URL. While it cannot be read, the last one counts.

    Args:
        name: of the issuer, for the log.
        algorithm: keys for another algorithm, or for another use, are left out.
    """

    def __init__(self, name: str, algorithm: str, read: Read, *, clock: Monotonic = time.monotonic) -> None:
        self._name = name
        self._algorithm = algorithm
        self._read = read
        self._clock = clock
        self._keys: list[tuple[str | None, Any]] = []
        self._read_at: float | None = None  # the last attempt
        self._reading = asyncio.Lock()
        self._failing = False

    async def matching(self, kid: str | None) -> Sequence[Any]:
        now = self._clock()
        if self._read_at is None or now - self._read_at >= KEPT_SECONDS or not self._known(kid):
            await self._refresh()
        return [key for name, key in self._keys if kid is None or name is None or name == kid]

    def _known(self, kid: str | None) -> bool:
        return bool(self._keys) if kid is None else any(name == kid for name, _ in self._keys)

    async def _refresh(self) -> None:
        """Read the set again, unless that was done a moment ago; those who come meanwhile wait for the same read."""
        came = self._clock()
        async with self._reading:
            pause = RETRY_SECONDS if self._failing else PAUSE_SECONDS
            if self._read_at is not None and came < self._read_at + pause:
                return
            try:
                self._keys = usable(await self._read(), self._algorithm)
                if self._failing:
                    logger.info("issuer %s: its keys can be read again", self._name)
                self._failing = False
            except UnreadableKeys as error:
                if not self._failing:
                    logger.warning("issuer %s: its keys cannot be read: %s", self._name, error)
                self._failing = True
            finally:
                self._read_at = self._clock()


def from_file(path: Path) -> Read:
    """Return what reads a key set from a file."""

    async def read() -> bytes:
        try:
            return await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise UnreadableKeys(f"{path}: {error.strerror}") from None

    return read


def from_url(url: str) -> Read:
    """Return what fetches a key set. Redirects are not followed: they could lead to an unsafe place."""
    assert is_safe_url(url), "the configuration was checked"

    async def fetch() -> bytes:
        # By name: a command without a daemon imports this module, and fetches nothing.
        aiohttp = import_module("aiohttp")
        timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
                session.get(url, allow_redirects=False, headers={"Accept": "application/json"}) as response,
            ):
                if response.status != 200:
                    raise UnreadableKeys(f"HTTP status {response.status}")
                body: bytes = await response.content.read(MAX_SET_BYTES + 1)
                while len(body) <= MAX_SET_BYTES and (more := await response.content.read(MAX_SET_BYTES)):
                    body += more
        except (aiohttp.ClientError, TimeoutError) as error:
            raise UnreadableKeys(type(error).__name__) from None
        if len(body) > MAX_SET_BYTES:
            raise UnreadableKeys(f"more than {MAX_SET_BYTES} bytes")
        return body

    return fetch


def usable(document: bytes, algorithm: str) -> list[tuple[str | None, Any]]:
    """Return the keys of a JWK Set that verify signatures of an algorithm, with their names.

    Raises:
        UnreadableKeys: it is no JWK Set, or holds no such key.
    """
    try:
        listed = json.loads(document)["keys"]
        found = [(_name(each), _key(each, algorithm)) for each in listed[:MAX_KEYS] if isinstance(each, Mapping)]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise UnreadableKeys("it is no JWK Set") from None
    keys = [(name, key) for name, key in found if key is not None]
    if not keys:
        raise UnreadableKeys(f"it holds no key for {algorithm}")
    return keys


def _name(jwk: Mapping[str, Any]) -> str | None:
    kid = jwk.get("kid")
    return kid if isinstance(kid, str) else None


def _key(jwk: Mapping[str, Any], algorithm: str) -> Any:
    """Return a public key, or None where it is for something else, or is broken."""
    if jwk.get("kty") == "oct" or jwk.get("use", "sig") != "sig" or jwk.get("alg", algorithm) != algorithm:
        return None
    operations = jwk.get("key_ops")
    if operations is not None and "verify" not in operations:
        return None
    public = {name: value for name, value in jwk.items() if name not in _PRIVATE}
    try:
        key = jwt.PyJWK(public, algorithm=algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if isinstance(key, RSAPublicKey) and key.key_size < LEAST_RSA_BITS:
        return None
    return key


_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})
"""Parameters of private keys (RFC 7518 section 6): a set that holds them by mistake is read as public keys."""
