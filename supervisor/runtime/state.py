"""What the daemon and the command line share when they open the same state."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from supervisor.protocol.errors import ConfigError
from supervisor.runtime.credentials import Credentials

DATABASE = "xswarm.db"

SHORTEST_SECRET = 32
"""Bytes of a key for HS256 (RFC 7518 section 3.2)."""


def seal_with(key: bytes) -> Callable[[bytes, bytes], bytes]:
    """Return what seals an audit row: HMAC-SHA-256 over the seal before it and the row."""
    keyed = hmac.new(key, digestmod="sha256")

    def seal(before: bytes, content: bytes) -> bytes:
        mac = keyed.copy()  # the key is worked in once, not for each row
        mac.update(before + content)
        return mac.digest()

    return seal


def jwt_secret(credentials: Credentials) -> bytes:
    """Return the key of our JWTs: XSWARM_JWT_SECRET, or one of our own.

    Raises:
        ConfigError: the given one is too short.
    """
    given = credentials.secret("XSWARM_JWT_SECRET")
    if given is None:
        return credentials.generated("jwt")
    if len(given.encode()) < SHORTEST_SECRET:
        raise ConfigError("XSWARM_JWT_SECRET", "must be at least 32 bytes", "unset it: one is made and kept")
    return given.encode()
