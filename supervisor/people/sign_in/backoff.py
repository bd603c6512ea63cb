"""How long somebody waits after sign-ins that failed: longer each time, by address and by user."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import dataclass

from supervisor.people.rate_limits import Monotonic

FREE = 5
"""Failures in a row that cost no waiting: people mistype."""

FIRST_SECONDS = 1.0
"""The wait after the first failure that is not free; each further one doubles it."""

MOST_SECONDS = 900.0
"""The longest wait."""

FORGET_SECONDS = 3_600.0
"""After so long without a failure, nothing is remembered."""

MOST_KEYS = 10_000
"""Most keys; of more, the one whose failure is longest ago is forgotten."""


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last: float = 0.0


class Backoff:
    """Counts failures by key.

    Args:
        clock: seconds of a clock that never goes back.
    """

    def __init__(self, clock: Monotonic = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[Hashable, _Failures] = {}

    def wait(self, key: Hashable) -> float:
        """Return the seconds until a key may try again; 0 = now."""
        known = self._failures.get(key)
        if known is None or known.count <= FREE:
            return 0.0
        # 2.0 ** 1024 would overflow, and the longest wait is reached long before.
        pause = min(MOST_SECONDS, FIRST_SECONDS * 2.0 ** min(known.count - FREE - 1, 30))
        return max(0.0, known.last + pause - self._clock())

    def failed(self, key: Hashable) -> None:
        """Count a failure of a key."""
        now = self._clock()
        known = self._failures.pop(key, None)
        if known is None or known.last + FORGET_SECONDS < now:
            known = _Failures()
        known.count, known.last = known.count + 1, now
        self._failures[key] = known  # at the end: the first key is the one that failed longest ago
        if len(self._failures) > MOST_KEYS:
            del self._failures[next(iter(self._failures))]

    def succeeded(self, key: Hashable) -> None:
        """Forget the failures of a key."""
        self._failures.pop(key, None)
