"""Changes as somebody asks for them."""

from __future__ import annotations

import pytest

from examples.residency.writing.requests import BadChangeError, Requested, described, edits_of
from tests.examples.residency.small import ANN, BOB, roster, work

MON, TUE = work(0, 7, 8), work(1, 7, 8)


def test_every_kind_of_change_becomes_an_edit() -> None:
    of = roster(MON, TUE, work(2, 7, 8))
    edits = edits_of(
        of,
        [
            Requested(action="reassign", shift_id=MON.id, person_id=BOB),
            Requested(action="remove", shift_id=TUE.id),
            Requested(action="move", shift_id="s-a-2-7-day", start="2026-03-04T09:00", end="2026-03-04T15:00+00:00"),
            Requested(
                action="add",
                person_id=BOB,
                rotation_id="ward",
                kind="night",
                start="2026-03-05T19:00",
                end="2026-03-06T07:00",
            ),
        ],
    )
    after = of.with_edits(edits)
    assert [(shift.kind, (shift.end - shift.start) / 3600) for shift in after.shifts[ANN]] == [("day", 6)]
    assert [shift.kind for shift in after.shifts[BOB]] == ["day", "night"]


def test_the_order_of_changes_does_not_matter_and_the_same_gives_the_same() -> None:
    of = roster(MON, TUE)
    new = Requested(
        action="add", person_id=BOB, rotation_id="ward", kind="day", start="2026-03-05T07:00", end="2026-03-05T15:00"
    )
    changes = [Requested(action="remove", shift_id=MON.id), Requested(action="remove", shift_id=TUE.id), new]
    assert edits_of(of, changes) == edits_of(of, reversed(changes))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Requested(action="remove", shift_id="s-nothing"), "there is no shift"),
        (Requested(action="reassign", shift_id=MON.id, person_id="x"), "there is no person"),
        (Requested(action="reassign", shift_id=MON.id, person_id=ANN), "already"),
        (Requested(action="dance"), "must be reassign, remove, move or add"),
        (Requested(action="move", shift_id=MON.id, start="soon", end="later"), "ISO 8601"),
        (Requested(action="move", shift_id=MON.id, start="2026-03-02T09:00", end="2026-03-02T09:00"), "after start"),
        (Requested(action="move", shift_id=MON.id, start="2026-03-02T09:00", end="2026-03-04T09:00"), "40 hours"),
        (Requested(action="move", shift_id=MON.id, start="2020-03-02T09:00", end="2020-03-02T19:00"), "outside"),
        (Requested(action="add", person_id=ANN, rotation_id="moon"), "there is no rotation"),
        (Requested(action="add", person_id=ANN, rotation_id="ward", kind="dance"), "must be one of day"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(change: Requested, words: str) -> None:
    with pytest.raises(BadChangeError, match=f"change 1: .*{words}"):
        edits_of(roster(MON), [change])


def test_a_shift_is_not_added_or_changed_twice() -> None:
    with pytest.raises(BadChangeError, match=r"change 2: .*twice"):
        edits_of(roster(MON), [Requested(action="remove", shift_id=MON.id)] * 2)
    new = Requested(
        action="add", person_id=ANN, rotation_id="ward", kind="day", start="2026-03-05T07:00", end="2026-03-05T15:00"
    )
    of = roster()
    with pytest.raises(BadChangeError, match="such a shift already"):
        edits_of(of.with_edits(edits_of(of, [new])), [new])
    with pytest.raises(BadChangeError, match="no change"):
        edits_of(of, [])


def test_changes_are_described_in_the_order_of_time_without_names() -> None:
    of = roster(MON, TUE, work(2, 7, 8), work(3, 7, 8))
    text = described(
        of,
        edits_of(
            of,
            [
                Requested(action="remove", shift_id=TUE.id),
                Requested(action="reassign", shift_id=MON.id, person_id=BOB),
                Requested(action="move", shift_id="s-a-2-7-day", start="2026-03-04T09:00", end="2026-03-04T15:00"),
                Requested(action="remove", shift_id="s-a-3-7-day"),
            ],
        ),
    )
    assert text == (
        f"day of Ward on Mon 2 Mar 07:00 goes from {ANN} to {BOB}; {ANN} gives up day of Ward on Tue 3 Mar 07:00; "
        f"day of Ward on Wed 4 Mar 09:00 of {ANN} moves, from Wed 4 Mar 07:00; and 1 more"
    )
