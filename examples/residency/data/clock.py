"""Local days and moments of a programme's time zone."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

MARGIN = 60
"""Days before and after the schedule whose midnights are known without a look at the time zone."""


class Calendar:
    """Turns days into moments and back.

    Args:
        time_zone: an IANA name.
        first, last: the days that are asked for most; others work too.

    Raises:
        ZoneInfoNotFoundError: there is no such time zone.
    """

    def __init__(self, time_zone: str, first: int, last: int) -> None:
        self._zone = ZoneInfo(time_zone)
        self._base = first - MARGIN
        self._midnights = [self._midnight(day) for day in range(self._base, last + MARGIN + 2)]

    def midnight(self, day: int) -> int:
        """Return the moment at which a day begins."""
        index = day - self._base
        return self._midnights[index] if 0 <= index < len(self._midnights) else self._midnight(day)

    def day(self, moment: int) -> int:
        """Return the day of a moment."""
        index = bisect_right(self._midnights, moment) - 1
        if 0 <= index < len(self._midnights) - 1:
            return self._base + index
        return datetime.fromtimestamp(moment, self._zone).toordinal()

    def at(self, day: int, minutes: int) -> int:
        """Return the moment at which the clock on the wall shows `minutes` after midnight; 24 h and more go on.

        Of an hour that happens twice it is the first; one that does not happen moves on by the length of the gap.
        """
        shown = datetime.fromordinal(day) + timedelta(minutes=minutes)
        return int(shown.replace(tzinfo=self._zone).timestamp())

    def text(self, moment: int) -> str:
        """Return a moment as RFC 3339 text with the zone's offset."""
        return datetime.fromtimestamp(moment, self._zone).isoformat(timespec="minutes")

    def short(self, moment: int) -> str:
        """Return a moment as people write it, such as `Sat 5 Dec 07:00`."""
        when = datetime.fromtimestamp(moment, self._zone)
        return f"{when:%a} {when.day} {when:%b} {when:%H:%M}"

    def moment(self, text: str) -> int:
        """Return the moment of an ISO 8601 text; one without an offset is local time.

        Raises:
            ValueError: it is no such text.
        """
        when = datetime.fromisoformat(text)
        return int((when if when.tzinfo else when.replace(tzinfo=self._zone)).timestamp())

    def today(self) -> int:
        """Return the day that it is now."""
        return datetime.now(self._zone).toordinal()

    def _midnight(self, day: int) -> int:
        return int(datetime.fromordinal(day).replace(tzinfo=self._zone).timestamp())


def day_text(day: int) -> str:
    """Return a day as `YYYY-MM-DD`."""
    return date.fromordinal(day).isoformat()


def parse_day(text: str) -> int:
    """Return the day of a text `YYYY-MM-DD`.

    Raises:
        ValueError: it is no such text.
    """
    return date.fromisoformat(text).toordinal()
