"""The dates that tools are given."""

from __future__ import annotations

from examples.residency.data.clock import day_text, parse_day
from examples.residency.data.entities import Programme
from examples.residency.server.answers import Refusal


def days(programme: Programme, start_date: str | None, end_date: str | None, *, most: int = 0) -> tuple[int, int]:
    """Return the days of two dates, both included; without a date it is that end of the schedule.

    Args:
        most: the most days; 0 = as many as the schedule has.

    Raises:
        Refusal: no dates, the wrong order, too many, or nothing of the schedule lies between them.
    """
    first = _day("start_date", start_date) if start_date else programme.first
    last = _day("end_date", end_date) if end_date else programme.last
    if first > last:
        raise Refusal("bad_dates", f"start_date {start_date} is after end_date {end_date}.", "Exchange them.")
    if last < programme.first or first > programme.last:
        raise Refusal(
            "outside_schedule",
            f"The schedule goes from {day_text(programme.first)} to {day_text(programme.last)}.",
            "Ask for days within it.",
        )
    first, last = max(first, programme.first), min(last, programme.last)
    if most and last - first + 1 > most:
        raise Refusal("too_many_days", f"At most {most} days can be asked for at once.", "Ask in parts.")
    return first, last


def _day(field: str, text: str) -> int:
    try:
        return parse_day(text)
    except ValueError:
        raise Refusal("bad_dates", f"{field} {text!r} is no date.", "Write it as YYYY-MM-DD.") from None
