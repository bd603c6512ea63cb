"""Conflicts, each with ways out that really end it."""

from __future__ import annotations

from dataclasses import replace

from examples.residency.analysis.conflicts import Conflict, ConflictKind, detect
from examples.residency.data.edits import Edit
from examples.residency.data.entities import Need, Shift, ShiftId, ShiftKind
from examples.residency.data.roster import Roster
from tests.examples.residency.small import ANN, BOB, CAT, ELECTIVE, FIRST, leave, need, roster, work


def only(of: Roster) -> Conflict:
    (one,) = detect(of, FIRST, FIRST + 27)
    return one


def after_first_way(of: Roster) -> list[Conflict]:
    """Return the conflicts that are left when the first way out of the only one is taken."""
    way = only(of).ways[0]
    if way.action == "add":
        assert way.person_id is not None
        assert way.rotation_id is not None
        assert way.kind is not None
        new = Shift(
            id=ShiftId("new"),
            person_id=way.person_id,
            rotation_id=way.rotation_id,
            kind=way.kind,
            start=way.start,
            end=way.end,
        )
        return detect(of.with_edits([Edit(None, new)]), FIRST, FIRST + 27)
    assert way.shift_id is not None
    shift = of.by_id[way.shift_id]
    edit = Edit(shift, None if way.person_id is None else replace(shift, person_id=way.person_id))
    return detect(of.with_edits([edit]), FIRST, FIRST + 27)


def monday_need(level: int = 1) -> list[Need]:
    return [replace(need(7, 11, 1, level=level), weekdays=(0,))]


def test_a_slot_with_too_few_people_can_be_filled() -> None:
    of = roster(*(work(7 * week, 7, 11) for week in (1, 2, 3)), needs=monday_need())
    assert only(of).kind is ConflictKind.UNDERSTAFFED
    assert after_first_way(of) == []


def test_a_person_in_two_places_gives_up_the_one_that_is_not_their_rotation() -> None:
    of = roster(work(0, 7, 11), work(0, 12, 8, rotation=ELECTIVE))
    found = only(of)
    assert (found.kind, found.person_id) == (ConflictKind.TWICE_AT_ONCE, ANN)
    assert [shift.id for shift in found.shifts] == ["s-a-0-7-day", "s-a-0-12-day"]
    assert found.ways[0].shift_id == "s-a-0-12-day"
    assert after_first_way(of) == []


def test_shifts_that_touch_and_hours_called_in_from_home_are_no_conflict() -> None:
    called = (work(0, 18, 12, ShiftKind.HOME_CALL), work(0, 20, 3, ShiftKind.CALLED_IN))
    assert detect(roster(work(0, 7, 8), work(0, 15, 3), *called), FIRST, FIRST) == []
    assert detect(roster(work(0, 17, 3), called[0]), FIRST, FIRST) != []


def test_work_on_leave_is_given_to_somebody_else_where_it_is_needed() -> None:
    shifts = [work(7 * week, 7, 11, person=CAT) for week in (1, 2, 3)]
    of = roster(work(0, 7, 11), *shifts, absences=[leave(0, 6)], needs=monday_need())
    kinds = {one.kind: one for one in detect(of, FIRST, FIRST + 27)}
    assert set(kinds) == {ConflictKind.ON_LEAVE, ConflictKind.UNDERSTAFFED}
    assert {way.person_id for way in kinds[ConflictKind.ON_LEAVE].ways} == {BOB, CAT}


def test_work_on_leave_that_nobody_needs_is_taken_away() -> None:
    of = roster(work(0, 7, 11), absences=[leave(0, 6)])
    assert (only(of).kind, only(of).ways[0].action) == (ConflictKind.ON_LEAVE, "remove")
    assert after_first_way(of) == []


def test_a_person_with_too_little_training_is_replaced() -> None:
    shifts = [work(7 * week, 7, 11, person=CAT) for week in (1, 2, 3)]
    of = roster(work(0, 7, 11), *shifts, needs=monday_need(2))
    assert (only(of).kind, only(of).person_id) == (ConflictKind.TOO_JUNIOR, ANN)
    assert after_first_way(of) == []


def test_a_conflict_without_a_way_out_says_what_stands_against_it() -> None:
    shifts = [work(7 * week, 7, 11, person=CAT) for week in (1, 2, 3)]
    away = [leave(0, 0, person=BOB), leave(0, 0, person=CAT)]
    of = roster(*shifts, absences=away, needs=monday_need(2))
    assert (only(of).ways, only(of).obstacles) == ((), ("leave", "level"))
