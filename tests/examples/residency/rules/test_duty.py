"""Shifts without a real break between them are one period of duty."""

from __future__ import annotations

from examples.residency.data.entities import ShiftKind
from examples.residency.rules.duty import duties
from tests.examples.residency.small import CALL, work


def test_shifts_that_touch_or_overlap_are_one_duty() -> None:
    (one,) = duties([work(0, 7, 10), work(0, 12, 8), work(0, 20, 4)])
    assert (one.end - one.start) / 3600 == 17


def test_a_pause_of_an_hour_ends_a_duty() -> None:
    assert len(duties([work(0, 7, 10), work(0, 18, 2)])) == 2


def test_the_part_for_transitions_is_what_comes_last() -> None:
    (one,) = duties([work(0, 7, 24, CALL), work(1, 7, 3, ShiftKind.TRANSITION)])
    assert (one.end - one.worked_until) / 3600 == 3
    (other,) = duties([work(0, 7, 2, ShiftKind.TRANSITION), work(0, 9, 3)])
    assert other.worked_until == other.end


def test_work_and_call_at_home_are_no_duty() -> None:
    kinds = (ShiftKind.HOME_CALL, ShiftKind.HOME_WORK, ShiftKind.CALLED_IN)
    assert duties([work(number, 7, 5, kind) for number, kind in enumerate(kinds)]) == []
