"""How long to wait before a lost connection is tried again, and how often."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Exponential back-off with jitter.

    Attributes:
        first: seconds before the first try.
        most: seconds that no wait exceeds; a connection that held this long counts as recovered.
        tries: after how many tries in vain to give up.
    """

    first: float = 0.5
    most: float = 30.0
    tries: int = 10

    def delay(self, attempt: int) -> float:
        """Return the seconds before a try: between half of its step and all of it, so that clients spread out.

        Args:
            attempt: 0 for the first one.
        """
        step = min(self.most, self.first * 2.0**attempt)
        return step * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
