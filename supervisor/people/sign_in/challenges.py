"""Challenges for passkeys and for other services: each is for one purpose, and counts once, for a few minutes.

None is stored before it is used, so nobody can fill the memory by asking: a challenge holds 16 random bytes, the time
when it expires, and a MAC over both and its purpose. One that was made for an approval signs nobody in.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time

from supervisor.people.rate_limits import Monotonic

SECONDS = 300
"""How long a challenge counts, in seconds."""

NONCE, TIME = 16, 8
"""Bytes of its parts; the MAC is the rest."""


class Challenges:
    """Makes and checks challenges; those of an earlier start of the daemon do not count.

    Args:
        clock: seconds of a clock that never goes back.
        seconds: how long a challenge counts.
    """

    def __init__(self, clock: Monotonic = time.monotonic, *, seconds: int = SECONDS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._key = secrets.token_bytes(32)
        self._used: dict[bytes, float] = {}

    def make(self, purpose: str) -> bytes:
        """Return a new challenge for a purpose."""
        head = secrets.token_bytes(NONCE) + int(self._clock() + self._seconds).to_bytes(TIME, "big")
        return head + self._mac(head, purpose)

    def fits(self, challenge: bytes, purpose: str) -> bool:
        """Return whether a challenge was made for a purpose, and counts now."""
        head, mac = challenge[: NONCE + TIME], challenge[NONCE + TIME :]
        if len(head) < NONCE + TIME or not hmac.compare_digest(mac, self._mac(head, purpose)):
            return False
        return int.from_bytes(head[NONCE:], "big") > self._clock() and challenge not in self._used

    def use(self, challenge: bytes) -> bool:
        """Use up a challenge that fits, once its answer is proven; False = it was used already."""
        now = self._clock()
        self._used = {each: until for each, until in self._used.items() if until > now}
        if challenge in self._used:
            return False
        self._used[challenge] = now + self._seconds
        return True

    def _mac(self, head: bytes, purpose: str) -> bytes:
        return hmac.digest(self._key, head + purpose.encode(), hashlib.sha256)
