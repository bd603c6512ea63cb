"""When to retry a lost connection, and how often."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Exponential back-off with jitter.

    Attributes:
        first: seconds before the first retry.
        most: longest wait in seconds; a connection that lasted this long resets the count of retries.
        tries: how many failed retries in a row end the attempt.
    """

    first: float = 0.5
    most: float = 30.0
    tries: int = 10

    def delay(self, attempt: int) -> float:
        """Return the seconds before a retry: a random part, from half to all, of its step, so that clients spread out.

        Args:
            attempt: 0 for the first one.
        """
        step = min(self.most, self.first * 2.0**attempt)
        return step * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
