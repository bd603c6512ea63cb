"""The loss of one person, and of two at once."""

from __future__ import annotations

from examples.residency.analysis.contingency import Standing, simulate
from tests.examples.residency.small import ANN, BOB, CALL, CAT, FIRST, leave, need, roster, work


def test_a_slot_with_people_to_spare_is_covered() -> None:
    of = roster(work(0, 7, 11), work(0, 7, 11, person=BOB), needs=[need(7, 11, 1)])
    assert simulate(of, FIRST, FIRST).weaknesses == ()


def test_a_slot_for_which_nobody_may_step_in_is_critical_and_says_why() -> None:
    of = roster(work(0, 7, 11, person=CAT), absences=[leave(0, 0, person=BOB)], needs=[need(7, 11, 1, level=2)])
    (one,) = simulate(of, FIRST, FIRST).weaknesses
    assert (one.standing, one.backups, one.obstacles) == (Standing.CRITICAL, (), {"level": 1, "leave": 1})


def test_a_slot_for_which_one_person_may_step_in_is_fragile() -> None:
    of = roster(work(0, 7, 11, person=CAT), needs=[need(7, 11, 1, level=2)])
    (one,) = simulate(of, FIRST, FIRST).weaknesses
    assert (one.standing, one.backups) == (Standing.FRAGILE, (BOB,))


def test_a_slot_that_is_short_already_is_told_first() -> None:
    of = roster(work(1, 7, 11, person=CAT), needs=[need(7, 11, 1, level=3)])
    found = simulate(of, FIRST, FIRST + 1).weaknesses
    assert [one.standing for one in found] == [Standing.UNDERSTAFFED, Standing.CRITICAL]


def test_two_people_are_missed_where_one_would_not_be() -> None:
    # Ann may step in for one of them, not for both.
    of = roster(
        work(0, 7, 11, person=BOB),
        work(0, 7, 11, person=CAT),
        needs=[need(7, 11, 2)],
    )
    found = simulate(of, FIRST, FIRST)
    assert [one.standing for one in found.weaknesses] == [Standing.FRAGILE]
    assert (found.pairs, found.lost_pairs, found.people) == (1, 1, {BOB: 1, CAT: 1})
    assert found.weaknesses[0].pairs == 1


def test_nobody_steps_in_twice_on_one_day() -> None:
    # Each slot alone could be taken by Ann.
    of = roster(
        work(0, 6, 6, person=BOB),
        work(0, 13, 6, person=CAT),
        needs=[need(6, 6, 1), need(13, 6, 1)],
    )
    found = simulate(of, FIRST, FIRST)
    assert (found.pairs, found.lost_pairs) == (1, 1)


def test_a_backup_must_be_rested() -> None:
    of = roster(
        work(0, 7, 24, CALL),
        work(1, 12, 8, person=CAT),
        absences=[leave(1, 1, person=BOB)],
        needs=[need(12, 8, 1)],
    )
    (one,) = simulate(of, FIRST + 1, FIRST + 1).weaknesses
    assert (one.standing, one.obstacles) == (Standing.CRITICAL, {"rest_after_call": 1, "leave": 1})
    assert ANN not in one.backups
