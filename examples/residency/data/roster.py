"""A schedule at one version, in memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter

from examples.residency.data.clock import Calendar
from examples.residency.data.edits import Edit, people_of
from examples.residency.data.entities import (
    Absence,
    Assignment,
    Need,
    Person,
    PersonId,
    Programme,
    Rotation,
    RotationId,
    Shift,
    ShiftId,
)

LONGEST = 40 * 3600
"""No shift is longer than this, in seconds; a search for shifts in a span starts so much before it."""

_start = attrgetter("start")


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Everything about a schedule at one version.

    Attributes:
        version: counts the writes; the first is 1.
        assignments, absences, shifts: by person, in the order of time. Everybody has a key.
        by_id: each shift by its id.
    """

    programme: Programme
    calendar: Calendar
    version: int
    people: Mapping[PersonId, Person]
    rotations: Mapping[RotationId, Rotation]
    needs: tuple[Need, ...]
    assignments: Mapping[PersonId, tuple[Assignment, ...]]
    absences: Mapping[PersonId, tuple[Absence, ...]]
    shifts: Mapping[PersonId, tuple[Shift, ...]]
    by_id: Mapping[ShiftId, Shift] = field(repr=False)

    def between(self, person_id: PersonId, start: int, end: int) -> tuple[Shift, ...]:
        """Return a person's shifts that touch the span of two moments."""
        shifts = self.shifts[person_id]
        first = bisect_left(shifts, start - LONGEST, key=_start)
        last = bisect_left(shifts, end, key=_start)
        return tuple(shift for shift in shifts[first:last] if shift.end > start)

    def is_absent(self, person_id: PersonId, day: int) -> bool:
        """Say whether a person is on leave on a day."""
        return any(absence.first <= day <= absence.last for absence in self.absences[person_id])

    def rotation_on(self, person_id: PersonId, day: int) -> RotationId | None:
        """Return a person's rotation on a day."""
        for assignment in self.assignments[person_id]:
            if assignment.first <= day <= assignment.last:
                return assignment.rotation_id
        return None

    def with_edits(self, edits: Iterable[Edit]) -> Roster:
        """Return the schedule as it would be after the edits, at the same version."""
        edits = tuple(edits)
        gone = {edit.before.id for edit in edits if edit.before is not None}
        shifts = dict(self.shifts)
        for person_id in people_of(edits):
            kept = [shift for shift in shifts[person_id] if shift.id not in gone]
            added = [edit.after for edit in edits if edit.after is not None and edit.after.person_id == person_id]
            shifts[person_id] = tuple(sorted([*kept, *added], key=_start))
        by_id = {**self.by_id, **{edit.after.id: edit.after for edit in edits if edit.after is not None}}
        for edit in edits:
            if edit.after is None:
                del by_id[edit.shift_id]
        return replace(self, shifts=shifts, by_id=by_id)
