"""Twilio's time, from the Date headers of its replies (RFC 9110 section 6.6.1).

Our clock may differ from Twilio's, and may be set while we run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


class TwilioClock:
    """Twilio's clock as far as its replies have told it.

    Args:
        clock: our clock: seconds since 1970 UTC.
        monotonic: seconds of a clock that nobody sets.
    """

    def __init__(self, clock: Callable[[], float], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._heard: tuple[datetime, float] | None = None
        self._ahead: float | None = None
        self._news = asyncio.Event()

    def hear(self, date: str) -> None:
        """Take note of the Date header of a reply that has just come; one that cannot be read is ignored."""
        try:
            told = parsedate_to_datetime(date).astimezone(UTC)
            self._ahead = self._clock() - told.timestamp()
        except (TypeError, ValueError, OverflowError):
            return
        self._heard = told, self._monotonic()
        self._news.set()

    @property
    def ahead(self) -> float | None:
        """How many seconds our clock is ahead of Twilio's, or up to one second less; None = not known yet."""
        return self._ahead

    async def heard(self) -> float:
        """Wait for the next reply of Twilio; return how many seconds our clock is ahead. One task may wait."""
        await self._news.wait()
        self._news.clear()
        assert self._ahead is not None
        return self._ahead

    def moment(self) -> float:
        """Return the present as a mark for `at`, which no setting of a clock changes."""
        return self._monotonic()

    def at(self, moment: float) -> datetime | None:
        """Return Twilio's time at a moment of this process, or a little earlier; None = not known yet."""
        if self._heard is None:
            return None
        told, heard_at = self._heard
        return told - timedelta(seconds=heard_at - moment)
