"""New identifiers: UUIDv7, which sort by the order of their making."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

_RANDOM_BITS = 74
_STEP_BITS = 64
"""The least and greatest step between two ids of the same millisecond are 1 and 2 ** 64: no id tells the next one."""


class IdMaker:
    """Makes UUIDv7 in the order in which they are asked for, also within a millisecond and where the clock goes back.

    Within a millisecond the random bits grow by a random step (RFC 9562 section 6.2, method 2). Where they would
    overflow, after a thousand ids or so, the ids carry the next millisecond.

    Args:
        now_ns: returns nanoseconds since 1970 UTC.
    """

    def __init__(self, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._last = 0  # the milliseconds and the random bits of the last id

    def make(self) -> str:
        """Return a new UUIDv7 as text (RFC 9562 section 5.7)."""
        random = int.from_bytes(os.urandom(10), "big")
        fresh = (self._now_ns() // 1_000_000) << _RANDOM_BITS | random & (1 << _RANDOM_BITS) - 1
        with self._lock:
            if fresh >> _RANDOM_BITS <= self._last >> _RANDOM_BITS:
                fresh = self._last + 1 + (random & (1 << _STEP_BITS) - 1)
            self._last = fresh
        value = (fresh >> _RANDOM_BITS & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | (fresh >> 62 & 0xFFF) << 64
        value |= 0b10 << 62 | fresh & 0x3FFF_FFFF_FFFF_FFFF
        text = f"{value:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


uuid7 = IdMaker().make
"""Return a new UUIDv7 as text. Those of one process sort by the order in which they were made."""
