"""A schedule in memory."""

from __future__ import annotations

from examples.residency.data.edits import Edit
from tests.examples.residency.small import ANN, CALL, FIRST, WARD, leave, roster, work


def test_shifts_that_touch_a_span_are_found_also_those_that_began_before_it() -> None:
    call, later = work(0, 7, 28, CALL), work(2, 7, 8)
    of = roster(call, later)
    midnight = of.calendar.midnight(FIRST + 1)
    assert of.between(ANN, midnight, midnight + 3600) == (call,)
    assert of.between(ANN, call.end, later.start) == ()
    assert of.between(ANN, call.end - 1, later.start + 1) == (call, later)


def test_leave_and_rotation_are_known_by_the_day() -> None:
    of = roster(absences=[leave(2, 3)])
    assert [of.is_absent(ANN, FIRST + day) for day in range(5)] == [False, False, True, True, False]
    assert of.rotation_on(ANN, FIRST) == WARD
    assert of.rotation_on(ANN, FIRST - 1) is None


def test_edits_make_another_roster_and_keep_the_order_of_time() -> None:
    first, last = work(0, 7, 8), work(4, 7, 8)
    of = roster(first, last)
    after = of.with_edits([Edit(None, work(2, 7, 8)), Edit(first, None)])
    assert [shift.start for shift in after.shifts[ANN]] == [work(2, 7, 8).start, last.start]
    assert first.id not in after.by_id
    assert of.shifts[ANN] == (first, last)
