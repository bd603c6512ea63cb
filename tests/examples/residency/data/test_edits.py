"""Edits can be turned round."""

from __future__ import annotations

from dataclasses import replace

import pytest

from examples.residency.data.edits import Edit, inverse_of, people_of
from examples.residency.data.entities import ShiftId
from tests.examples.residency.small import ANN, BOB, roster, work

SHIFT = work(0, 7, 8)


def test_an_edit_names_its_shift_its_people_and_its_span() -> None:
    later = replace(SHIFT, person_id=BOB, start=SHIFT.start + 60, end=SHIFT.end + 60)
    edit = Edit(SHIFT, later)
    assert (edit.shift_id, edit.people, edit.span) == (SHIFT.id, frozenset({ANN, BOB}), (SHIFT.start, later.end))
    assert people_of([Edit(None, SHIFT), edit]) == {ANN, BOB}


def test_edits_and_their_inverse_leave_everything_as_it_was() -> None:
    before = roster(SHIFT, work(1, 7, 8))
    edits = [Edit(SHIFT, None), Edit(None, work(3, 7, 8)), Edit(work(1, 7, 8), replace(work(1, 7, 8), person_id=BOB))]
    after = before.with_edits(edits)
    assert after != before
    assert after.with_edits(inverse_of(edits)) == before


def test_an_edit_of_nothing_or_of_two_shifts_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing"):
        Edit(None, None)
    with pytest.raises(ValueError, match="id"):
        Edit(SHIFT, replace(SHIFT, id=ShiftId("other")))
