"""A swap exchanges whole spans of work."""

from __future__ import annotations

from examples.residency.analysis.exchange import exchange, handover, window
from examples.residency.data.entities import ShiftKind
from examples.residency.data.roster import Roster
from tests.examples.residency.small import ANN, BOB, CALL, roster, work


def intensive_care() -> Roster:
    """Ann is on call on day 0, Bob on day 3; each works by day when the other one is."""
    return roster(
        work(0, 7, 24, CALL),
        work(1, 7, 2, ShiftKind.TRANSITION),
        work(3, 7, 12),
        work(0, 7, 12, person=BOB),
        work(1, 7, 12, person=BOB),
        work(3, 7, 24, CALL, person=BOB),
        work(4, 7, 2, ShiftKind.TRANSITION, person=BOB),
    )


def test_a_call_goes_with_its_transition_and_the_rest_after_it() -> None:
    of = intensive_care()
    start, end = window(of, of.by_id[work(0, 7, 24, CALL).id])
    assert (end - start) / 3600 == 24 + 2 + 14
    assert window(of, work(3, 7, 12)) == (work(3, 7, 12).start, work(3, 7, 12).end)


def test_nobody_stands_in_two_places_after_a_swap() -> None:
    of = intensive_care()
    mine, theirs = of.by_id[work(0, 7, 24, CALL).id], of.by_id[work(3, 7, 24, CALL, person=BOB).id]
    after = of.with_edits(exchange(of, mine, theirs))
    assert [shift.kind for shift in after.shifts[ANN]] == ["day", "day", "call", "transition"]
    assert [shift.kind for shift in after.shifts[BOB]] == ["call", "transition", "day"]
    assert {shift.id for shift in after.by_id.values()} == set(of.by_id)


def test_a_swap_reads_the_same_from_both_sides() -> None:
    of = intensive_care()
    mine, theirs = of.by_id[work(0, 7, 24, CALL).id], of.by_id[work(3, 7, 24, CALL, person=BOB).id]
    assert exchange(of, mine, theirs) == exchange(of, theirs, mine)


def test_a_call_is_handed_over_with_its_transition_only() -> None:
    of = intensive_care()
    edits = handover(of, of.by_id[work(0, 7, 24, CALL).id], BOB)
    assert {edit.shift_id for edit in edits} == {"s-a-0-7-call", "s-a-1-7-transition"}
    day = handover(of, of.by_id[work(3, 7, 12).id], BOB)
    assert [edit.shift_id for edit in day] == ["s-a-3-7-day"]
