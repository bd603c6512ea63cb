"""Rate limits of people: a moving window per minute and one per hour, by the `limits` library."""

from __future__ import annotations

import time

from limits import RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from supervisor.config import Limits
from supervisor.protocol.messages import UserId

TRACES = RateLimitItemPerHour(500)
"""Dropped messages of one channel that are recorded per hour: so many of users, and so many of strangers."""

NOTICES = RateLimitItemPerHour(1)
"""Notices about messages that look automatic, per thread: a notice may be answered automatically too."""


class RateLimits:
    """Counts the messages and, separately, the command words of each person; services are not counted."""

    def __init__(self, limits: Limits) -> None:
        self._items = [
            RateLimitItemPerMinute(limits.messages_per_minute),
            RateLimitItemPerHour(limits.messages_per_hour),
        ]
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._told: dict[UserId, float] = {}

    def take(self, user_id: UserId, *, command: bool = False) -> float | None:
        """Count a message; return the seconds to wait if it is over a limit, else None.

        Args:
            command: the message is a command word. Command words have limits of their own: a person over the limit can
                still write NO or ABORT, and cannot guess codes without limit.
        """
        key = (user_id, "command") if command else (user_id,)
        full = [item for item in self._items if not self._limiter.test(item, *key)]
        if full:
            resets = [float(self._limiter.get_window_stats(item, *key).reset_time) for item in full]
            return max(1.0, max(resets) - time.time())
        for item in self._items:
            self._limiter.hit(item, *key)
        return None

    def trace(self, channel: str, *, kept: bool) -> bool:
        """Return whether a dropped message may be recorded; strangers must not fill the disk with audit rows.

        Args:
            kept: a user seems to have written it, so it is kept with its text.
        """
        return self._limiter.hit(TRACES, channel, "kept" if kept else "listed")

    def tell_thread(self, channel: str, thread: str) -> bool:
        """Return whether the sender of a message that looks automatic is told now: once per hour and thread."""
        return self._limiter.hit(NOTICES, channel, thread)

    def tell(self, user_id: UserId, retry_after: float) -> bool:
        """Return whether the person is told about the limit now: once per wait, to not answer a flood with a flood."""
        now = time.monotonic()
        if self._told.get(user_id, 0.0) > now:
            return False
        self._told[user_id] = now + retry_after
        return True


def too_many(retry_after: float) -> str:
    """Return what a person over the limit is told.

    Args:
        retry_after: seconds until the next message is accepted.
    """
    return f"Rate limit exceeded: your message was not worked on. Send it again in {retry_after:.0f} seconds"
