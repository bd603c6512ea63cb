"""Who could step in, and what stands against the others."""

from __future__ import annotations

from examples.residency.analysis.backups import LEAVE, LEVEL, WORKING, Backups
from examples.residency.analysis.coverage import slots
from tests.examples.residency.small import (
    ANN,
    BOB,
    CALL,
    CAT,
    ELECTIVE,
    FIRST,
    daily,
    leave,
    need,
    roster,
    work,
)


def test_people_who_break_nothing_may_step_in_the_least_busy_first() -> None:
    of = roster(work(0, 7, 11), work(1, 7, 8, person=BOB), needs=[need(7, 11, 1)])
    (slot,) = slots(of, FIRST, FIRST)
    assert Backups(of).legal(slot) == [CAT, BOB]


def test_level_leave_and_other_work_stand_against_people() -> None:
    of = roster(
        work(0, 7, 11, person=CAT),
        absences=[leave(0, 0, person=BOB)],
        needs=[need(7, 11, 1, level=2), need(7, 11, 1, rotation=ELECTIVE)],
    )
    elective, ward = slots(of, FIRST, FIRST)
    assert Backups(of).obstacles(ward) == {ANN: (LEVEL,), BOB: (LEAVE,)}
    assert Backups(of).obstacles(elective) == {ANN: (), BOB: (LEAVE,), CAT: (WORKING,)}


def test_people_may_be_taken_out_of_a_flexible_rotation() -> None:
    of = roster(work(0, 8, 9, person=BOB, rotation=ELECTIVE), needs=[need(7, 11, 1)])
    backups = Backups(of)
    (slot,) = slots(of, FIRST, FIRST)
    assert BOB in backups.legal(slot)
    assert [shift.rotation_id for shift in backups.pulled(BOB, slot.start, slot.end)] == [ELECTIVE]


def test_a_rule_that_would_be_broken_is_named() -> None:
    of = roster(work(0, 7, 24, CALL), needs=[need(15, 8, 1)])
    (slot,) = slots(of, FIRST + 1, FIRST + 1)
    assert Backups(of).obstacles(slot)[ANN] == ("rest_after_call",)


def test_what_is_broken_already_stands_against_nobody() -> None:
    busy = daily([day for day in range(28) if day % 7 < 6], 7, 14)  # 84 hours a week
    of = roster(*busy, needs=[need(10, 2, 1)])
    (slot,) = slots(of, FIRST + 6, FIRST + 6)
    assert Backups(of).obstacles(slot)[ANN] == ("free_days",)
