"""Edits: what changes in a schedule, shift by shift, in a form that can be turned round."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from examples.residency.data.entities import PersonId, Shift, ShiftId


@dataclass(frozen=True, slots=True)
class Edit:
    """One shift before and after; `None` before = it is new, `None` after = it goes."""

    before: Shift | None
    after: Shift | None

    def __post_init__(self) -> None:
        if self.before is None and self.after is None:
            raise ValueError("an edit of nothing")
        if self.before and self.after and self.before.id != self.after.id:
            raise ValueError("an edit keeps the id of its shift")

    @property
    def shift_id(self) -> ShiftId:
        """The shift that it is about."""
        shift = self.after or self.before
        assert shift is not None
        return shift.id

    @property
    def people(self) -> frozenset[PersonId]:
        """Whose work it changes."""
        return frozenset(shift.person_id for shift in (self.before, self.after) if shift is not None)

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last moment that it touches."""
        shifts = [shift for shift in (self.before, self.after) if shift is not None]
        return min(shift.start for shift in shifts), max(shift.end for shift in shifts)

    def inverse(self) -> Edit:
        """Return the edit that takes it back."""
        return Edit(self.after, self.before)


def inverse_of(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Return what takes several edits back."""
    return tuple(edit.inverse() for edit in reversed(list(edits)))


def people_of(edits: Iterable[Edit]) -> frozenset[PersonId]:
    """Return whose work the edits change."""
    return frozenset(person for edit in edits for person in edit.people)
