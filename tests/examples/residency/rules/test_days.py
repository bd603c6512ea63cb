"""Sums over a person's days."""

from __future__ import annotations

from examples.residency.data.clock import Calendar
from examples.residency.data.entities import Absence, Shift
from examples.residency.rules.days import Days
from tests.examples.residency.small import CALL, FIRST, leave, work


def days(*shifts: Shift, absences: tuple[Absence, ...] = ()) -> Days:
    return Days(Calendar("UTC", FIRST, FIRST + 6), shifts, absences, FIRST, FIRST + 6)


def test_a_shift_over_midnight_counts_on_both_days() -> None:
    of = days(work(0, 22, 5))
    assert [of.worked(FIRST + day, FIRST + day) / 3600 for day in (0, 1)] == [2, 3]


def test_a_free_day_counts_on_the_day_on_which_it_is_spent() -> None:
    of = days(work(0, 7, 11), work(2, 7, 11), work(3, 7, 11), work(4, 7, 11), work(5, 7, 11), work(6, 7, 11))
    assert [of.free(FIRST + day, FIRST + day) for day in range(7)] == [0, 1, 0, 0, 0, 0, 0]


def test_a_free_day_from_evening_to_evening_counts_once() -> None:
    of = days(work(0, 0, 18), work(1, 18, 6), work(2, 0, 24), work(3, 0, 24), work(4, 0, 24), work(5, 0, 48))
    assert of.free(FIRST, FIRST + 6) == 1


def test_a_call_counts_on_the_day_on_which_it_begins() -> None:
    of = days(work(1, 17, 14, CALL))
    assert [of.calls(FIRST + day, FIRST + day) for day in (1, 2)] == [1, 0]


def test_leave_takes_hours_calls_and_free_days_with_it() -> None:
    of = days(work(0, 7, 10), work(1, 7, 24, CALL), absences=(leave(0, 6),))
    last = FIRST + 6
    assert (of.worked(FIRST, last), of.calls(FIRST, last), of.free(FIRST, last), of.counting(FIRST, last)) == (0,) * 4
