"""Who could step in for a slot, and what stands against everybody else."""

from __future__ import annotations

from collections.abc import Mapping

from examples.residency.analysis.coverage import Slot
from examples.residency.data.entities import HOUR, PersonId, Shift, ShiftId
from examples.residency.data.roster import Roster
from examples.residency.rules.check import check_person
from examples.residency.rules.finding import Severity

LEVEL = "level"
"""The person is not trained far enough."""

LEAVE = "leave"
WORKING = "already working"


class Backups:
    """Finds people for slots of one schedule; what was found is kept, because slots are alike.

    Args:
        roster: the schedule.
    """

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._known: dict[tuple[object, ...], Mapping[PersonId, tuple[str, ...]]] = {}
        self._before: dict[tuple[PersonId, int, int], frozenset[tuple[object, ...]]] = {}

    def legal(self, slot: Slot) -> list[PersonId]:
        """Return who could fill a slot without breaking a rule that must be kept, the least busy first."""
        able = [person for person, reasons in self.obstacles(slot).items() if not reasons]
        return sorted(able, key=lambda person: (self._busy(person, slot), person))

    def obstacles(self, slot: Slot) -> Mapping[PersonId, tuple[str, ...]]:
        """Return for everybody who is not in the slot what stands against them: names of rules, or other reasons."""
        need = slot.need
        key = (need.rotation_id, need.kind, need.level, slot.start, slot.end)
        if key not in self._known:
            self._known[key] = {person: self._against(person, slot) for person in self._roster.people}
        return {person: found for person, found in self._known[key].items() if person not in slot.staff}

    def pulled(self, person_id: PersonId, start: int, end: int) -> list[Shift]:
        """Return the shifts that somebody would give up: those of flexible rotations in that span."""
        return [
            shift
            for shift in self._roster.between(person_id, start, end)
            if self._roster.rotations[shift.rotation_id].flexible
        ]

    def _against(self, person_id: PersonId, slot: Slot) -> tuple[str, ...]:
        roster = self._roster
        if roster.people[person_id].level < slot.need.level:
            return (LEVEL,)
        if any(roster.is_absent(person_id, day) for day in (slot.day, roster.calendar.day(slot.end - 1))):
            return (LEAVE,)
        pulled = self.pulled(person_id, slot.start, slot.end)
        if len(pulled) < len(roster.between(person_id, slot.start, slot.end)):
            return (WORKING,)
        first, last = slot.day - 1, roster.calendar.day(slot.end) + 1
        gone = {shift.id for shift in pulled}
        added = Shift(
            id=ShiftId("backup"),
            person_id=person_id,
            rotation_id=slot.need.rotation_id,
            kind=slot.need.kind,
            start=slot.start,
            end=slot.end,
        )
        around = roster.between(person_id, roster.calendar.midnight(first - 40), roster.calendar.midnight(last + 40))
        shifts = sorted([*(shift for shift in around if shift.id not in gone), added], key=lambda shift: shift.start)
        found = check_person(roster, person_id, first, last, shifts=shifts, rolling=False)
        before = self._violations(person_id, first, last)
        return tuple(
            dict.fromkeys(
                finding.rule
                for finding in found
                if finding.severity is Severity.VIOLATION and finding.key not in before
            )
        )

    def _violations(self, person_id: PersonId, first: int, last: int) -> frozenset[tuple[object, ...]]:
        key = (person_id, first, last)
        if key not in self._before:
            found = check_person(self._roster, person_id, first, last, rolling=False)
            self._before[key] = frozenset(f.key for f in found if f.severity is Severity.VIOLATION)
        return self._before[key]

    def _busy(self, person_id: PersonId, slot: Slot) -> float:
        """Return the hours of the two weeks around a slot."""
        around = self._roster.between(person_id, slot.start - 7 * 24 * HOUR, slot.end + 7 * 24 * HOUR)
        return sum(shift.end - shift.start for shift in around) / HOUR
