"""Swap candidates, ranked by what they mend and break; the answer without any names what clashes."""

from __future__ import annotations

from examples.residency.analysis.swaps import find_swaps
from examples.residency.rules.table import RuleId
from tests.examples.residency.small import ANN, BOB, CALL, CAT, FIRST, daily, leave, need, programme, roster, work

TODAY = FIRST - 1


def test_what_mends_a_violation_comes_first_and_says_so() -> None:
    # Ann has 84 hours a week; Bob and Cat hardly work.
    busy = daily([day for day in range(28) if day % 7 < 6], 7, 14)
    of = roster(*busy, work(6, 7, 8, person=BOB), of=programme(28))
    found = find_swaps(of, ANN, TODAY, 5)
    assert found.candidates
    best = found.candidates[0]
    assert best.effects.score >= found.candidates[-1].effects.score
    assert all(not one.effects.violations for one in found.candidates)


def test_work_on_leave_is_offered_first() -> None:
    of = roster(work(2, 7, 24, CALL), work(9, 7, 24, CALL), absences=[leave(9, 9)])
    found = find_swaps(of, ANN, TODAY, 10)
    assert found.shifts[0].id == work(9, 7, 24, CALL).id
    assert {one.partner for one in found.candidates} == {BOB, CAT}


def test_a_fair_swap_comes_before_one_for_nothing() -> None:
    of = roster(work(5, 7, 24, CALL), work(12, 7, 24, CALL, person=BOB))
    found = find_swaps(of, ANN, TODAY, 10)
    first = found.candidates[0]
    assert first.theirs is not None
    assert (first.partner, first.theirs.id) == (BOB, work(12, 7, 24, CALL, person=BOB).id)
    assert any(one.theirs is None for one in found.candidates)


def test_without_a_candidate_the_rules_that_clash_are_named() -> None:
    call = work(5, 7, 24, CALL)
    of = roster(
        call,
        work(4, 8, 22.5, person=BOB),  # 24 hours are over before the call ends
        absences=[leave(5, 6, person=CAT)],
        of=programme(28),
    )
    found = find_swaps(of, ANN, TODAY, 10)
    assert found.candidates == ()
    assert RuleId.SHIFT_LENGTH in found.clashes
    assert found.clashes["leave"] >= 1


def test_nobody_takes_a_shift_for_which_they_are_not_trained() -> None:
    of = roster(
        work(5, 7, 24, CALL, person=BOB),
        needs=[need(7, 24, 1, kind=CALL, level=2)],
    )
    found = find_swaps(of, BOB, TODAY, 10)
    assert {one.partner for one in found.candidates} == {CAT}
    assert found.clashes["level"] == 1


def test_no_more_are_given_than_asked_for_and_partners_vary() -> None:
    calls = [work(day, 7, 24, CALL) for day in (5, 12, 19)]
    found = find_swaps(roster(*calls), ANN, TODAY, 4)
    assert len(found.candidates) == 4
    assert {one.partner for one in found.candidates} == {BOB, CAT}


def test_a_person_without_shifts_has_no_candidates_and_nothing_clashes() -> None:
    found = find_swaps(roster(work(3, 7, 8, person=BOB)), ANN, TODAY, 4)
    assert (found.candidates, found.shifts, found.tried, found.clashes) == ((), (), 0, {})
