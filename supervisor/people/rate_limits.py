"""Limits of what is told about messages and recorded of them, in moving windows.

They go by the monotonic clock: when the wall clock goes back, nobody is locked out.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Hashable

from supervisor.protocol.messages import Address, UserId
from supervisor.sentences.intake import TOO_MANY

HOUR = 3600.0

TRACES = 500
"""Dropped messages of one channel that are recorded per hour: so many of users, and so many of strangers."""

THREAD_NOTICES = 1
"""Notices per hour about messages that look automatic, per thread: a notice may be answered automatically too."""

MOST_KEYS = 10_000
"""The most keys of one window; of more, those without a recent event are forgotten."""

NOTICES = 3
"""Notices per hour about replies that did not reach one address. Each costs a text, and they all say the same."""

Monotonic = Callable[[], float]
"""Returns seconds of a clock that never goes back."""


class MovingWindow:
    """Counts events by key; at most `most` of them in any `seconds`.

    Args:
        clock: seconds of a clock that never goes back.
    """

    def __init__(self, most: int, seconds: float, clock: Monotonic = time.monotonic) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._events: defaultdict[Hashable, deque[float]] = defaultdict(deque)

    def wait(self, key: Hashable) -> float:
        """Return the seconds until one more event of a key fits; 0 = it fits now."""
        events, now = self._events[key], self._clock()
        while events and events[0] + self._seconds <= now:
            events.popleft()
        return 0.0 if len(events) < self._most else events[-self._most] + self._seconds - now

    def count(self, key: Hashable) -> None:
        """Count an event, whether it fits or not."""
        now = self._clock()
        self._events[key].append(now)
        if len(self._events) > MOST_KEYS:
            recent = {
                each: events for each, events in self._events.items() if events and events[-1] + self._seconds > now
            }
            self._events = defaultdict(deque, recent)

    def take(self, key: Hashable) -> bool:
        """Count an event if it fits; return whether it did."""
        fits = self.wait(key) <= 0.0
        if fits:
            self.count(key)
        return fits


class RateLimits:
    """Limits what is told about messages, and what is recorded of dropped ones. T1 counts the messages themselves.

    Args:
        clock: seconds of a clock that never goes back.
    """

    def __init__(self, clock: Monotonic = time.monotonic) -> None:
        self._clock = clock
        self._traces = MovingWindow(TRACES, HOUR, clock)
        self._threads = MovingWindow(THREAD_NOTICES, HOUR, clock)
        self._told: dict[UserId, float] = {}

    def trace(self, channel: str, *, kept: bool) -> bool:
        """Return whether a dropped message may be recorded; strangers must not fill the disk with audit rows.

        Args:
            kept: a user seems to have written it, so it is kept with its text.
        """
        return self._traces.take((channel, kept))

    def tell_thread(self, channel: str, thread: str) -> bool:
        """Return whether the sender of a message that looks automatic is told now: once per hour and thread."""
        return self._threads.take((channel, thread))

    def tell(self, user_id: UserId, retry_after: float) -> bool:
        """Return whether the person is told about the limit now: once per wait, to not answer a flood with a flood."""
        now = self._clock()
        if self._told.get(user_id, now) > now:
            return False
        self._told[user_id] = now + retry_after
        return True


class NoticeLimit:
    """Limits the notices about replies that did not reach an address."""

    def __init__(self, clock: Monotonic = time.monotonic) -> None:
        self._window = MovingWindow(NOTICES, HOUR, clock)

    def take(self, failed: Address) -> bool:
        """Count a notice about a reply to an address; return whether it may be sent."""
        return self._window.take(failed)


def too_many(retry_after: float) -> str:
    """Return what a person over the limit is told.

    Args:
        retry_after: seconds until the next message is accepted.
    """
    return TOO_MANY(seconds=round(retry_after))
