"""Slots: what each rotation needs on each day, and who fills it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from examples.residency.data.clock import day_text
from examples.residency.data.entities import DAY, Need, PersonId, RotationId, Shift, ShiftKind
from examples.residency.data.roster import Roster


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A need on one day.

    Attributes:
        start, end: its moments.
        shifts: the shifts that fill it; those of people on leave do not count.
    """

    need: Need
    day: int
    start: int
    end: int
    shifts: tuple[Shift, ...]

    @property
    def id(self) -> str:
        """Its name in answers, such as `icu/call/2026-12-05/07:00`."""
        hour, minute = divmod(self.need.start, 60)
        return f"{self.need.rotation_id}/{self.need.kind}/{day_text(self.day)}/{hour:02}:{minute:02}"

    @property
    def staff(self) -> tuple[PersonId, ...]:
        """The people who fill it."""
        return tuple(shift.person_id for shift in self.shifts)

    @property
    def spare(self) -> int:
        """How many people it has more than it needs; below 0 it is understaffed."""
        return len(set(self.staff)) - self.need.minimum


def slots(roster: Roster, first: int, last: int) -> list[Slot]:
    """Return the slots that begin from `first` to `last` (days), in the order of time."""
    calendar = roster.calendar
    first, last = max(first, roster.programme.first), min(last, roster.programme.last)
    begun: dict[tuple[RotationId, ShiftKind, int], list[Shift]] = defaultdict(list)
    start, end = calendar.midnight(first) - DAY, calendar.midnight(last + 1) + DAY
    for person_id in roster.people:
        for shift in roster.between(person_id, start, end):
            begun[shift.rotation_id, shift.kind, calendar.day(shift.start)].append(shift)
    found = []
    for day in range(first, last + 1):
        for need in roster.needs:
            if (day + 6) % 7 in need.weekdays:
                near = (
                    shift
                    for nearby in (day - 1, day, day + 1)
                    for shift in begun.get((need.rotation_id, need.kind, nearby), ())
                )
                found.append(_slot(roster, need, day, near))
    return sorted(found, key=lambda slot: (slot.start, slot.need.rotation_id))


def fits(shift: Shift, need: Need, start: int, end: int) -> bool:
    """Say whether a shift fills a slot of a need: the right place and kind, and at least half of its time."""
    overlap = min(shift.end, end) - max(shift.start, start)
    return shift.rotation_id == need.rotation_id and shift.kind is need.kind and 2 * overlap >= end - start


def _slot(roster: Roster, need: Need, day: int, near: Iterator[Shift]) -> Slot:
    start, end = roster.calendar.at(day, need.start), roster.calendar.at(day, need.start + need.minutes)
    return Slot(
        need=need,
        day=day,
        start=start,
        end=end,
        shifts=tuple(
            shift for shift in near if fits(shift, need, start, end) and not roster.is_absent(shift.person_id, day)
        ),
    )
