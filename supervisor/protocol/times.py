"""Times and money in their internal form and on the wire: milliseconds and RFC 3339, nanodollars and dollars."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

NANOS = 1_000_000_000
"""Nanodollars of one dollar."""

DAY_MS = 86_400_000
"""Milliseconds of one UTC day."""

DAY_OR_TIME = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})?)?$"
)
"""Regular expression of a date, or of a time (RFC 3339 section 5.6; without an offset it is in UTC)."""

Clock = Callable[[], int]
"""Returns the wall-clock time in milliseconds since 1970 UTC."""


def now_ms() -> int:
    """Return the wall-clock time in milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


def rfc3339(ms: int) -> str:
    """Return a time in RFC 3339, UTC, with milliseconds and a `Z`.

    Args:
        ms: milliseconds since 1970 UTC.
    """
    seconds, rest = divmod(ms, 1000)  # as one float, the milliseconds would be inexact
    return f"{_second(seconds)}.{rest:03d}Z"


@lru_cache(maxsize=64)  # most times on the wire are of the current second
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def usd(nanos: int) -> float:
    """Return an amount of nanodollars in dollars."""
    return nanos / NANOS


def nanos(dollars: float) -> int:
    """Return an amount of dollars in nanodollars."""
    return round(dollars * NANOS)


def day_of(ms: int) -> int:
    """Return the UTC day of a time in milliseconds, as the number of days since 1970-01-01."""
    return ms // DAY_MS


def parse_day(text: str, *, up: bool = False) -> int:
    """Return the UTC day of a date or an RFC 3339 time, as the number of days since 1970-01-01.

    Args:
        up: return the next day for a time after midnight; for an end that is excluded.

    Raises:
        ValueError: the text is neither a date nor a time.
    """
    if re.fullmatch(DAY_OR_TIME, text) is None:
        raise ValueError(f"{text!r} is neither a date nor a time")
    if len(text) == 10:
        return (date.fromisoformat(text) - date(1970, 1, 1)).days
    moment = datetime.fromisoformat(text.upper())
    moment = (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
    days, rest = divmod(moment - datetime(1970, 1, 1, tzinfo=UTC), timedelta(days=1))
    return days + (1 if up and rest else 0)


def day_text(day: int) -> str:
    """Return a UTC day, counted from 1970-01-01, as YYYY-MM-DD."""
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()
