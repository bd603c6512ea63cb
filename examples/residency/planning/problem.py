"""What is to be planned: the slots of some days, who may fill each, and what is fixed around them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from examples.residency.analysis.coverage import Slot, fits, slots
from examples.residency.data.entities import DAY, HOUR, PersonId, Shift, ShiftKind
from examples.residency.data.roster import Roster

TRANSITION = 2 * HOUR
"""The length of the transition after a call of 24 hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is to be planned.

    Attributes:
        first, last: the days.
        able: for each slot who may fill it: of its rotation, trained enough, not on leave, not at work elsewhere.
        open: the shifts that are planned anew.
        fixed: each person's other shifts, in the order of time.
        now: who fills each slot now.
    """

    roster: Roster
    first: int
    last: int
    slots: tuple[Slot, ...]
    able: Mapping[str, tuple[PersonId, ...]]
    open: tuple[Shift, ...]
    fixed: Mapping[PersonId, tuple[Shift, ...]]
    now: Mapping[str, frozenset[PersonId]]


def until(slot: Slot) -> int:
    """Return the moment at which a person who fills a slot is free: after a long call there is a transition."""
    long = slot.need.kind is ShiftKind.CALL and slot.end - slot.start >= DAY - HOUR
    return slot.end + (TRANSITION if long else 0)


def problem(roster: Roster, first: int, last: int) -> Problem:
    """Return what is to be planned from `first` to `last` (days)."""
    wanted = tuple(slots(roster, first, last))
    opened = {shift.id: shift for shift in _open(roster, wanted)}
    fixed = {
        person: tuple(shift for shift in shifts if shift.id not in opened) for person, shifts in roster.shifts.items()
    }
    teams = _teams(roster)
    return Problem(
        roster=roster,
        first=first,
        last=last,
        slots=wanted,
        able={
            slot.id: tuple(person for person in roster.people if _may(roster, fixed[person], teams, person, slot))
            for slot in wanted
        },
        open=tuple(opened.values()),
        fixed=fixed,
        now={slot.id: frozenset(slot.staff) for slot in wanted},
    )


def _open(roster: Roster, wanted: Sequence[Slot]) -> Iterator[Shift]:
    """Yield the shifts that fill a slot, leave or not, and the transitions after them."""
    if not wanted:
        return
    start, end = min(slot.start for slot in wanted), max(slot.end for slot in wanted)
    by_need: dict[tuple[str, ShiftKind], list[Slot]] = defaultdict(list)
    for slot in wanted:
        by_need[slot.need.rotation_id, slot.need.kind].append(slot)
    for person in roster.people:
        calls = set()
        for shift in roster.between(person, start, end + DAY):
            near = by_need.get((shift.rotation_id, shift.kind), ())
            if any(fits(shift, slot.need, slot.start, slot.end) for slot in near):
                calls.add(shift.end)
                yield shift
            elif shift.kind is ShiftKind.TRANSITION and shift.start in calls:
                yield shift


def _teams(roster: Roster) -> Mapping[str, frozenset[str]]:
    """Return from which rotations people come for the calls of a rotation: also from the flexible ones of its site."""
    flexible = [rotation for rotation in roster.rotations.values() if rotation.flexible]
    return {
        rotation: frozenset({rotation, *(one.id for one in flexible if _site(one.id) == _site(rotation))})
        for rotation in roster.rotations
    }


def _site(rotation: str) -> str:
    name, _, number = rotation.rpartition("-")
    return number if name and number.isdigit() else ""


def _may(
    roster: Roster, fixed: Sequence[Shift], teams: Mapping[str, frozenset[str]], person: PersonId, slot: Slot
) -> bool:
    need = slot.need
    home = roster.rotation_on(person, slot.day)
    if home != need.rotation_id and not (need.kind is ShiftKind.CALL and home in teams[need.rotation_id]):
        return False
    ends = roster.calendar.day(until(slot) - 1)
    if roster.people[person].level < need.level or any(roster.is_absent(person, day) for day in (slot.day, ends)):
        return False
    return not any(shift.start < until(slot) and shift.end > slot.start for shift in fixed)
