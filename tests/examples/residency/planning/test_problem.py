"""What is planned anew, what is fixed, and who may fill which slot."""

from __future__ import annotations

from examples.residency.data.entities import ShiftKind
from examples.residency.planning.problem import TRANSITION, problem, until
from tests.examples.residency.small import ANN, BOB, CALL, CAT, FIRST, leave, need, roster, work


def test_shifts_that_fill_a_slot_and_their_transitions_are_planned_anew_and_others_stay() -> None:
    call, rest = work(0, 7, 24, CALL), work(1, 7, 2, ShiftKind.TRANSITION)
    other = work(3, 7, 5, ShiftKind.HOME_WORK)
    of = problem(roster(call, rest, other, needs=[need(7, 24, 1, kind=CALL)]), FIRST, FIRST + 6)
    assert set(of.open) == {call, rest}
    assert of.fixed[ANN] == (other,)
    assert of.now["ward/call/2026-03-02/07:00"] == {ANN}
    assert until(of.slots[0]) - of.slots[0].end == TRANSITION


def test_people_without_training_on_leave_or_at_work_may_not_fill_a_slot() -> None:
    of = roster(
        work(1, 12, 3, ShiftKind.MOONLIGHTING, person=BOB),
        absences=[leave(2, 2, person=CAT)],
        needs=[need(7, 11, 1, level=2)],
    )
    able = problem(of, FIRST, FIRST + 2).able
    assert list(able.values()) == [(BOB, CAT), (CAT,), (BOB,)]
