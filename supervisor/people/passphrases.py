"""Passphrases: a second factor for people whose messages can be forged, and the limit on wrong tries."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets

from supervisor.protocol.errors import InvalidMessage, NotAllowed
from supervisor.protocol.messages import UserId
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.ports.people.accounts import THE_OPERATOR
from supervisor.store.ports.people.passphrases import PassphraseStore
from supervisor.store.records.accounts import Actor

LEAST, MOST = 8, 200
"""The fewest and the most characters of a passphrase."""

WRONG_TRIES = 5
LOCK_MS = 3_600_000
"""After WRONG_TRIES wrong passphrases in a row, every passphrase is refused for LOCK_MS milliseconds."""

SALT_BYTES = 16
COST, BLOCK, PARALLEL = 2**14, 8, 1
"""The parameters that RFC 7914 section 2 recommends for interactive use of scrypt: 16 MiB, about 50 ms."""


class Passphrases:
    """Sets and checks passphrases. Only their salted hashes are stored.

    Args:
        clock: milliseconds UTC.
    """

    def __init__(self, store: PassphraseStore, clock: Clock = now_ms) -> None:
        self._store = store
        self._clock = clock

    async def set(self, user_id: UserId, text: str, *, by: Actor = THE_OPERATOR) -> None:
        """Set a user's passphrase.

        Raises:
            InvalidMessage: it is too short or too long, or only digits, which YES takes for minutes.
        """
        plain = _plain(text)
        if not LEAST <= len(plain) <= MOST or plain.isdecimal():
            raise InvalidMessage("passphrase", f"must have {LEAST} to {MOST} characters, and not digits alone")
        salt = secrets.token_bytes(SALT_BYTES)
        await self._store.put(user_id, salt, await _hash(plain, salt), by=by, now_ms=self._clock())

    async def remove(self, user_id: UserId, *, by: Actor = THE_OPERATOR) -> bool:
        """Remove a user's passphrase; False = there was none."""
        return await self._store.remove(user_id, by=by, now_ms=self._clock())

    async def check(self, user_id: UserId, text: str) -> None:
        """Check a user's passphrase.

        Raises:
            NotAllowed: it is wrong, the user has none, or there were too many wrong tries.
        """
        stored, now = await self._store.get(user_id), self._clock()
        if stored is None:
            raise NotAllowed("you have no passphrase", "ask an operator for `xswarm user passphrase`")
        if now < stored.locked_ms <= now + LOCK_MS:  # a lock that would last longer is from a clock that went back
            raise NotAllowed("too many wrong passphrases", "answer by another channel, or wait an hour")
        right = hmac.compare_digest(await _hash(_plain(text), stored.salt), stored.hash)
        if not right or stored.wrong:
            await self._store.tried(user_id, right=right, most=WRONG_TRIES, lock_ms=now + LOCK_MS, now_ms=now)
        if not right:
            raise NotAllowed("that is not your passphrase")


def _plain(text: str) -> str:
    """Return a passphrase in the form that is compared: phones add blanks and a capital letter at the beginning."""
    return " ".join(text.split()).casefold()


async def _hash(plain: str, salt: bytes) -> bytes:
    password = plain.encode(errors="replace")
    return await asyncio.to_thread(hashlib.scrypt, password, salt=salt, n=COST, r=BLOCK, p=PARALLEL)
