"""Slots and who fills them."""

from __future__ import annotations

from examples.residency.analysis.coverage import fits, slots
from tests.examples.residency.small import ANN, BOB, FIRST, NIGHT, leave, need, programme, roster, work


def test_each_day_of_a_need_is_a_slot_with_its_people() -> None:
    of = roster(work(0, 7, 11), work(0, 7, 11, person=BOB), work(1, 7, 11), needs=[need(7, 11, 2)], of=programme(28))
    found = slots(of, FIRST, FIRST + 2)
    assert [slot.staff for slot in found] == [(ANN, BOB), (ANN,), ()]
    assert [slot.spare for slot in found] == [0, -1, -2]
    assert found[0].id == "ward/day/2026-03-02/07:00"


def test_people_on_leave_do_not_fill_a_slot() -> None:
    of = roster(work(0, 7, 11), absences=[leave(0, 0)], needs=[need(7, 11, 1)])
    assert slots(of, FIRST, FIRST)[0].staff == ()


def test_half_of_the_time_in_the_same_place_fills_a_slot_and_less_does_not() -> None:
    of, wanted = roster(), need(7, 10, 1)
    start, end = of.calendar.at(FIRST, 7 * 60), of.calendar.at(FIRST, 17 * 60)
    assert fits(work(0, 12, 8), wanted, start, end)
    assert not fits(work(0, 12.1, 8), wanted, start, end)
    assert not fits(work(0, 7, 10, NIGHT), wanted, start, end)


def test_a_night_is_a_slot_of_the_day_on_which_it_begins() -> None:
    of = roster(work(0, 19, 12, NIGHT), needs=[need(19, 12, 1, kind=NIGHT)])
    assert [slot.staff for slot in slots(of, FIRST, FIRST + 1)] == [(ANN,), ()]


def test_days_outside_the_schedule_have_no_slots() -> None:
    assert slots(roster(needs=[need(7, 11, 1)], of=programme(28)), FIRST - 5, FIRST - 1) == []
