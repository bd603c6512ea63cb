"""How much one person may send: a moving window per minute and per hour, by the `limits` library."""

from __future__ import annotations

import time

from limits import RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from supervisor.config import Limits
from supervisor.protocol.messages import UserId

TRACES = RateLimitItemPerHour(500)
"""Audit rows about dropped messages that one channel may write."""


class RateLimits:
    """Counts the messages of people, and apart from them their command words; services are not counted."""

    def __init__(self, limits: Limits) -> None:
        self._items = [
            RateLimitItemPerMinute(limits.messages_per_minute),
            RateLimitItemPerHour(limits.messages_per_hour),
        ]
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._told: dict[UserId, float] = {}

    def take(self, user_id: UserId, *, command: bool = False) -> float | None:
        """Count a message; return seconds to wait where it is one too many, None where it is not.

        Args:
            command: it is a command word: whoever wrote too much can still say NO or ABORT, and guesses no code by it.
        """
        key = (user_id, "command") if command else (user_id,)
        full = [item for item in self._items if not self._limiter.test(item, *key)]
        if full:
            resets = [float(self._limiter.get_window_stats(item, *key).reset_time) for item in full]
            return max(1.0, max(resets) - time.time())
        for item in self._items:
            self._limiter.hit(item, *key)
        return None

    def trace(self, channel: str) -> bool:
        """Return whether a dropped message may leave an audit row: strangers fill no disk."""
        return self._limiter.hit(TRACES, channel)

    def tell(self, user_id: UserId, retry_after: float) -> bool:
        """Return whether the person is to be told now: once per wait, so that no flood is answered by a flood."""
        now = time.monotonic()
        if self._told.get(user_id, 0.0) > now:
            return False
        self._told[user_id] = now + retry_after
        return True
