"""Time and money as they are kept inside and as they leave: milliseconds and RFC 3339, nanodollars and dollars."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

NANOS = 1_000_000_000
"""Nanodollars in a dollar."""

DAY_MS = 86_400_000
"""Milliseconds in a UTC day."""

Clock = Callable[[], int]
"""Returns the wall time in milliseconds UTC."""


def now_ms() -> int:
    """Return the wall time in milliseconds UTC."""
    return time.time_ns() // 1_000_000


def rfc3339(ms: int) -> str:
    """Return a time as RFC 3339 in UTC with milliseconds and a Z."""
    seconds, rest = divmod(ms, 1000)  # a float of both would lose milliseconds
    return f"{_second(seconds)}.{rest:03d}Z"


@lru_cache(maxsize=64)  # most times that are written lie in the second that passes
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def usd(nanos: int) -> float:
    """Return nanodollars as dollars, for the wire."""
    return nanos / NANOS


def nanos(dollars: float) -> int:
    """Return dollars as nanodollars."""
    return round(dollars * NANOS)


def day_of(ms: int) -> int:
    """Return the UTC day of a time, counted from 1970-01-01."""
    return ms // DAY_MS


def parse_day(text: str, *, up: bool = False) -> int:
    """Return the UTC day of a date or an RFC 3339 time, counted from 1970-01-01.

    Args:
        up: a time after midnight counts as the next day (for an end that is excluded).

    Raises:
        ValueError: it is neither.
    """
    if len(text) == 10:
        return (date.fromisoformat(text) - date(1970, 1, 1)).days
    moment = datetime.fromisoformat(text)
    moment = (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
    days, rest = divmod(moment - datetime(1970, 1, 1, tzinfo=UTC), timedelta(days=1))
    return days + (1 if up and rest else 0)


def day_text(day: int) -> str:
    """Return a UTC day as YYYY-MM-DD."""
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()
