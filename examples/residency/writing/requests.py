"""Changes that somebody asks for, as edits of shifts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from examples.residency.data.edits import Edit
from examples.residency.data.entities import HOUR, PersonId, RotationId, Shift, ShiftId, ShiftKind
from examples.residency.data.roster import LONGEST, Roster


class BadChangeError(Exception):
    """A change cannot be made; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """One change: `reassign` (shift, person), `remove` (shift), `move` (shift, start, end) or `add` (all but shift).

    Attributes:
        start, end: as ISO 8601; without an offset in the programme's time zone.
    """

    action: str
    shift_id: str = ""
    person_id: str = ""
    rotation_id: str = ""
    kind: str = ""
    start: str = ""
    end: str = ""


def edits_of(roster: Roster, changes: Iterable[Requested]) -> tuple[Edit, ...]:
    """Return the edits of several changes, in the order of their shifts.

    Raises:
        BadChangeError: one of them cannot be made, or two are about the same shift.
    """
    found: dict[ShiftId, Edit] = {}
    for number, change in enumerate(changes, 1):
        try:
            edit = _edit(roster, change)
        except BadChangeError as error:
            raise BadChangeError(f"change {number}: {error}") from None
        if edit.shift_id in found:
            raise BadChangeError(f"change {number}: shift {edit.shift_id} is changed twice")
        found[edit.shift_id] = edit
    if not found:
        raise BadChangeError("no change is given")
    return tuple(found[key] for key in sorted(found))


def shift_named(roster: Roster, shift_id: str) -> Shift:
    """Return a shift.

    Raises:
        BadChangeError: there is none with that id.
    """
    shift = roster.by_id.get(ShiftId(shift_id))
    if shift is None:
        raise BadChangeError(f"there is no shift {shift_id!r}; show_schedule lists shifts with their ids")
    return shift


def person_named(roster: Roster, person_id: str) -> PersonId:
    """Return a person's id.

    Raises:
        BadChangeError: there is nobody with that id.
    """
    if person_id not in roster.people:
        raise BadChangeError(f"there is no person {person_id!r}; find_person finds people by their name")
    return PersonId(person_id)


def described(roster: Roster, edits: Sequence[Edit]) -> str:
    """Return one sentence about edits, with ids of people."""
    calendar = roster.calendar
    texts = []
    for edit in sorted(edits, key=lambda edit: (edit.span, edit.shift_id))[:3]:
        before, after = edit.before, edit.after
        shift = after or before
        assert shift is not None
        what = f"{shift.kind} of {roster.rotations[shift.rotation_id].name} on {calendar.short(shift.start)}"
        if before is None:
            texts.append(f"{shift.person_id} gets {what}")
        elif after is None:
            texts.append(f"{shift.person_id} gives up {what}")
        elif before.person_id != after.person_id:
            texts.append(f"{what} goes from {before.person_id} to {after.person_id}")
        else:
            texts.append(f"{what} of {shift.person_id} moves, from {calendar.short(before.start)}")
    more = f"; and {len(edits) - 3} more" if len(edits) > 3 else ""
    return "; ".join(texts) + more


def _edit(roster: Roster, change: Requested) -> Edit:
    match change.action:
        case "reassign":
            shift, person = shift_named(roster, change.shift_id), person_named(roster, change.person_id)
            if shift.person_id == person:
                raise BadChangeError(f"shift {shift.id} is that person's already")
            return Edit(shift, replace(shift, person_id=person))
        case "remove":
            return Edit(shift_named(roster, change.shift_id), None)
        case "move":
            shift = shift_named(roster, change.shift_id)
            start, end = _span(roster, change)
            return Edit(shift, replace(shift, start=start, end=end))
        case "add":
            return Edit(None, _added(roster, change))
        case _:
            raise BadChangeError(f"action {change.action!r} must be reassign, remove, move or add")


def _added(roster: Roster, change: Requested) -> Shift:
    person = person_named(roster, change.person_id)
    rotation = RotationId(change.rotation_id)
    if rotation not in roster.rotations:
        names = ", ".join(sorted(roster.rotations))
        raise BadChangeError(f"there is no rotation {change.rotation_id!r}; there are {names}")
    if change.kind not in set(ShiftKind):
        raise BadChangeError(f"kind {change.kind!r} must be one of {', '.join(ShiftKind)}")
    start, end = _span(roster, change)
    # The same shift gets the same id each time, so that a write can be compared with its preview.
    text = "|".join((person, rotation, change.kind, str(start), str(end)))
    shift_id = ShiftId(f"s-{hashlib.sha256(text.encode()).hexdigest()[:12]}")
    if shift_id in roster.by_id:
        raise BadChangeError(f"there is such a shift already: {shift_id}")
    return Shift(id=shift_id, person_id=person, rotation_id=rotation, kind=ShiftKind(change.kind), start=start, end=end)


def _span(roster: Roster, change: Requested) -> tuple[int, int]:
    calendar, programme = roster.calendar, roster.programme
    try:
        start, end = calendar.moment(change.start), calendar.moment(change.end)
    except ValueError as error:
        raise BadChangeError(f"start and end must be ISO 8601, such as 2026-12-05T07:00: {error}") from None
    if not 0 < end - start <= LONGEST:
        raise BadChangeError(f"end must be after start, by at most {LONGEST // HOUR} hours")
    if not programme.first <= calendar.day(start) <= programme.last:
        raise BadChangeError("start lies outside the schedule")
    return start, end
