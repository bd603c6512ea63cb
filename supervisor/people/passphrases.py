"""The passphrase of a person: what they know besides having a phone, and how often it may be guessed."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets

from supervisor.protocol.errors import InvalidMessage, NotAllowed
from supervisor.protocol.messages import UserId
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.port import Store

LEAST, MOST = 8, 200
"""Characters of a passphrase."""

WRONG_TRIES = 5
LOCK_MS = 3_600_000
"""After so many wrong tries in a row none counts for so long."""

SALT_BYTES = 16
COST, BLOCK, PARALLEL = 2**14, 8, 1
"""scrypt as RFC 7914 section 2 recommends it for interactive use: 16 MiB, some 50 ms."""


class Passphrases:
    """Sets and checks them; the text itself is kept nowhere."""

    def __init__(self, store: Store, clock: Clock = now_ms) -> None:
        self._store = store
        self._clock = clock

    async def set(self, user_id: UserId, text: str) -> None:
        """Set a user's passphrase.

        Raises:
            InvalidMessage: it is too short or too long, or might be taken for a number of minutes.
        """
        plain = _plain(text)
        if not LEAST <= len(plain) <= MOST or plain.isdecimal():
            raise InvalidMessage("passphrase", f"must have {LEAST} to {MOST} characters, and not digits alone")
        salt = secrets.token_bytes(SALT_BYTES)
        await self._store.passphrases.put(user_id, salt, await _hash(plain, salt), now_ms=self._clock())

    async def remove(self, user_id: UserId) -> bool:
        """Forget a user's passphrase; False = there was none."""
        return await self._store.passphrases.remove(user_id, now_ms=self._clock())

    async def check(self, user_id: UserId, text: str) -> None:
        """Return where a passphrase is the user's.

        Raises:
            NotAllowed: it is not, they have none, or too many wrong ones came before.
        """
        stored, now = await self._store.passphrases.get(user_id), self._clock()
        if stored is None:
            raise NotAllowed("you have no passphrase", "ask an operator for `xswarm user passphrase`")
        if now < stored.locked_ms:
            raise NotAllowed("too many wrong passphrases", "use another way, or wait an hour")
        right = hmac.compare_digest(await _hash(_plain(text), stored.salt), stored.hash)
        if not right or stored.wrong:
            await self._store.passphrases.tried(
                user_id, right=right, most=WRONG_TRIES, lock_ms=now + LOCK_MS, now_ms=now
            )
        if not right:
            raise NotAllowed("that is not your passphrase")


def _plain(text: str) -> str:
    """Return what counts of a passphrase: phones add blanks, and a capital letter at the beginning."""
    return " ".join(text.split()).casefold()


async def _hash(plain: str, salt: bytes) -> bytes:
    password = plain.encode(errors="replace")
    return await asyncio.to_thread(hashlib.scrypt, password, salt=salt, n=COST, r=BLOCK, p=PARALLEL)
