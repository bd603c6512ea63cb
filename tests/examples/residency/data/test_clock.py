"""Days and moments of a time zone, over changes of the clocks."""

from __future__ import annotations

from datetime import date

import pytest

from examples.residency.data.clock import Calendar, day_text, parse_day

SPRING = date(2026, 3, 8).toordinal()
AUTUMN = date(2026, 11, 1).toordinal()


def chicago() -> Calendar:
    return Calendar("America/Chicago", SPRING - 1, AUTUMN + 1)


def test_days_are_23_and_25_hours_long_when_the_clocks_change() -> None:
    clock = chicago()
    assert [(clock.midnight(day + 1) - clock.midnight(day)) / 3600 for day in (SPRING, AUTUMN)] == [23, 25]


@pytest.mark.parametrize("day", [SPRING - 500, SPRING - 1, SPRING, AUTUMN, AUTUMN + 500])
def test_a_moment_belongs_to_the_day_that_its_place_has(day: int) -> None:
    clock = chicago()
    assert clock.day(clock.midnight(day)) == day
    assert clock.day(clock.midnight(day) - 1) == day - 1


def test_an_hour_by_the_clock_on_the_wall_may_be_of_the_next_day() -> None:
    clock = chicago()
    assert clock.text(clock.at(SPRING - 1, 31 * 60)) == "2026-03-08T07:00-05:00"
    assert clock.short(clock.at(SPRING - 1, 7 * 60)) == "Sat 7 Mar 07:00"


def test_a_text_without_an_offset_is_local_time() -> None:
    clock = chicago()
    assert clock.moment("2026-03-07T07:00") == clock.moment("2026-03-07T13:00Z") == clock.at(SPRING - 1, 7 * 60)
    with pytest.raises(ValueError, match="foo"):
        clock.moment("foo")


def test_days_are_written_as_dates() -> None:
    assert parse_day(day_text(SPRING)) == SPRING
    assert abs(chicago().today() - date.today().toordinal()) <= 1
