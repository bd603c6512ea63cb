"""What a change mends and breaks."""

from __future__ import annotations

from dataclasses import replace

from examples.residency.analysis.effects import effects, span
from examples.residency.data.edits import Edit
from examples.residency.rules.table import RuleId
from tests.examples.residency.small import ANN, BOB, CALL, FIRST, daily, need, programme, roster, work

SIX_DAYS = [day for day in range(28) if day % 7 < 6]


def test_a_change_mends_for_one_and_breaks_for_another() -> None:
    late, early = work(0, 14, 10), work(1, 6, 8)
    of = roster(late, early, work(0, 7, 24, CALL, person=BOB))
    found = effects(of, [Edit(early, replace(early, person_id=BOB))])
    assert [(one.rule, one.person_id) for one in found.mended] == [(RuleId.REST_BETWEEN, ANN)]
    assert [(one.rule, one.person_id) for one in found.broken] == [(RuleId.SHIFT_LENGTH, BOB)]
    assert found.violations == found.broken
    assert found.score < 0


def test_a_violation_that_stays_is_eased_or_worsened() -> None:
    shifts = daily(SIX_DAYS, 7, 14)
    of = roster(*shifts, of=programme(28))
    less = effects(of, [Edit(shifts[0], replace(shifts[0], end=shifts[0].end - 3600))])
    assert [(pair.before.measured, pair.after.measured) for pair in less.eased] == [(84, 83.75)]
    assert less.score > 0
    more = effects(of, [Edit(shifts[0], replace(shifts[0], end=shifts[0].end + 3600))])
    assert [pair.after.measured for pair in more.worsened] == [84.25]
    assert more.score < 0


def test_slots_are_emptied_and_filled() -> None:
    shift = work(0, 7, 11)
    of = roster(shift, needs=[need(7, 11, 1)])
    moved = effects(of, [Edit(shift, replace(shift, start=shift.start + 86400, end=shift.end + 86400))])
    assert [slot.day - FIRST for slot in moved.emptied] == [0]
    assert [slot.day - FIRST for slot in moved.filled] == [1]


def test_no_change_has_no_effects() -> None:
    found = effects(roster(work(0, 7, 8)), [])
    assert (found.score, found.mended, found.broken) == (0, (), ())


def test_the_days_of_a_change_are_those_around_its_shifts() -> None:
    of = roster()
    assert span(of, [Edit(None, work(3, 7, 8)), Edit(work(5, 22, 8), None)]) == (FIRST + 2, FIRST + 7)
