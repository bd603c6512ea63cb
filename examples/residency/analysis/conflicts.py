"""Conflicts: what cannot be, whatever the rules say, each with ways out of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from examples.residency.analysis.backups import Backups
from examples.residency.analysis.coverage import Slot, fits, slots
from examples.residency.data.entities import COUNTED, SCHEDULED, PersonId, RotationId, Shift, ShiftId, ShiftKind
from examples.residency.data.roster import Roster

MOST_WAYS = 3
"""How many ways out of a conflict are offered."""


class ConflictKind(StrEnum):
    """What is wrong."""

    UNDERSTAFFED = "understaffed"
    """A slot has fewer people than it needs."""

    TWICE_AT_ONCE = "twice_at_once"
    """A person works in two places at the same time."""

    ON_LEAVE = "on_leave"
    """A person works on a day of their leave."""

    TOO_JUNIOR = "too_junior"
    """A person works where more training is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way out, in the form of one change of `apply_changes`.

    Attributes:
        action: `remove`, `reassign` or `add`.
        person_id: who gets the shift; of `remove` nobody.
    """

    action: str
    shift_id: ShiftId | None = None
    person_id: PersonId | None = None
    rotation_id: RotationId | None = None
    kind: ShiftKind | None = None
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One conflict.

    Attributes:
        person_id: whom it is about, or `None` for a slot without enough people.
        start, end: the moments between which it is.
        ways: the best way out first; empty = there is none that keeps the rules.
        obstacles: for how many people each reason stands against stepping in.
    """

    kind: ConflictKind
    start: int
    end: int
    person_id: PersonId | None
    shifts: tuple[Shift, ...]
    slot: Slot | None
    ways: tuple[Way, ...]
    obstacles: tuple[str, ...] = ()


def detect(roster: Roster, first: int, last: int) -> list[Conflict]:
    """Return the conflicts from `first` to `last` (days), in the order of time."""
    wanted = slots(roster, first, last)
    backups = Backups(roster)
    found = [
        *_short(wanted, backups),
        *_junior(roster, wanted, backups),
        *_by_person(roster, wanted, backups, first, last),
    ]
    return sorted(found, key=lambda conflict: (conflict.start, conflict.kind, conflict.person_id or ""))


def _short(wanted: Sequence[Slot], backups: Backups) -> Iterator[Conflict]:
    for slot in wanted:
        if slot.spare < 0:
            able = backups.legal(slot)
            need = slot.need
            yield Conflict(
                kind=ConflictKind.UNDERSTAFFED,
                start=slot.start,
                end=slot.end,
                person_id=None,
                shifts=slot.shifts,
                slot=slot,
                ways=tuple(
                    Way(
                        action="add",
                        person_id=person,
                        rotation_id=need.rotation_id,
                        kind=need.kind,
                        start=slot.start,
                        end=slot.end,
                    )
                    for person in able[:MOST_WAYS]
                ),
                obstacles=() if able else _obstacles(backups, slot),
            )


def _junior(roster: Roster, wanted: Sequence[Slot], backups: Backups) -> Iterator[Conflict]:
    for slot in wanted:
        for shift in slot.shifts:
            if roster.people[shift.person_id].level < slot.need.level:
                able = backups.legal(slot)
                yield Conflict(
                    kind=ConflictKind.TOO_JUNIOR,
                    start=shift.start,
                    end=shift.end,
                    person_id=shift.person_id,
                    shifts=(shift,),
                    slot=slot,
                    ways=_reassign(shift, able),
                    obstacles=() if able else _obstacles(backups, slot),
                )


def _by_person(roster: Roster, wanted: Sequence[Slot], backups: Backups, first: int, last: int) -> Iterator[Conflict]:
    calendar = roster.calendar
    start, end = calendar.midnight(first), calendar.midnight(last + 1)
    for person_id in roster.people:
        shifts = [shift for shift in roster.between(person_id, start, end) if shift.start >= start]
        for shift in shifts:
            if roster.is_absent(person_id, calendar.day(shift.start)) or roster.is_absent(
                person_id, calendar.day(shift.end - 1)
            ):
                yield _conflict(ConflictKind.ON_LEAVE, shift, (shift,), wanted, backups)
        for one, other in combinations(shifts, 2):
            if other.start >= one.end:
                continue
            if _excludes(one, other):
                home = roster.rotation_on(person_id, calendar.day(one.start))
                extra = one if other.rotation_id == home else other
                yield _conflict(ConflictKind.TWICE_AT_ONCE, extra, (one, other), wanted, backups)


def _excludes(one: Shift, other: Shift) -> bool:
    kinds = {one.kind, other.kind}
    if ShiftKind.HOME_CALL in kinds:
        return bool(kinds & (SCHEDULED - {ShiftKind.TRANSITION})) or len(kinds) == 1
    return kinds <= COUNTED


def _conflict(
    kind: ConflictKind, shift: Shift, shifts: tuple[Shift, ...], wanted: Sequence[Slot], backups: Backups
) -> Conflict:
    """Return the conflict that is gone when somebody else does `shift`, or nobody where there are people to spare."""
    slot = next((slot for slot in wanted if fits(shift, slot.need, slot.start, slot.end)), None)
    counted = slot is not None and shift.person_id in slot.staff
    if slot is None or slot.spare - counted >= 0:
        ways: tuple[Way, ...] = (Way(action="remove", shift_id=shift.id),)
        obstacles: tuple[str, ...] = ()
    else:
        able = backups.legal(slot)
        ways = _reassign(shift, able)
        obstacles = () if able else _obstacles(backups, slot)
    return Conflict(
        kind=kind,
        start=max(one.start for one in shifts),
        end=min(one.end for one in shifts),
        person_id=shift.person_id,
        shifts=shifts,
        slot=slot,
        ways=ways,
        obstacles=obstacles,
    )


def _reassign(shift: Shift, able: Sequence[PersonId]) -> tuple[Way, ...]:
    return tuple(
        Way(action="reassign", shift_id=shift.id, person_id=person)
        for person in [person for person in able if person != shift.person_id][:MOST_WAYS]
    )


def _obstacles(backups: Backups, slot: Slot) -> tuple[str, ...]:
    """Return what stands against everybody, the most frequent first."""
    count: dict[str, int] = {}
    for reasons in backups.obstacles(slot).values():
        for reason in reasons:
            count[reason] = count.get(reason, 0) + 1
    return tuple(sorted(count, key=lambda reason: (-count[reason], reason)))
