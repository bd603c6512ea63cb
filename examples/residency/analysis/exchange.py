"""A swap as edits: two people exchange whole spans of work, so that nobody stands in two places afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from examples.residency.data.edits import Edit
from examples.residency.data.entities import DAY, HOUR, PersonId, Shift, ShiftKind
from examples.residency.data.roster import Roster
from examples.residency.rules.table import RULES, RuleId

_REST = int(RULES[RuleId.REST_AFTER_CALL].limit) * HOUR


def window(roster: Roster, shift: Shift) -> tuple[int, int]:
    """Return the span that goes with a shift: of a call its transition and the rest after it too."""
    end = shift.end
    if shift.kind is ShiftKind.CALL:
        for other in roster.between(shift.person_id, shift.end, shift.end + HOUR):
            if other.kind is ShiftKind.TRANSITION and other.start - shift.end < HOUR:
                end = other.end
        if shift.end - shift.start >= DAY:
            end += _REST
    return shift.start, end


def exchange(roster: Roster, mine: Shift, theirs: Shift) -> tuple[Edit, ...]:
    """Return the edits of a swap: both people exchange all work that begins in the span of either shift."""
    moved: dict[str, Edit] = {}
    for shift in (mine, theirs):
        start, end = window(roster, shift)
        for giver, taker in ((mine.person_id, theirs.person_id), (theirs.person_id, mine.person_id)):
            for work in _begun(roster, giver, start, end):
                moved[work.id] = Edit(work, replace(work, person_id=taker))
    return tuple(moved[key] for key in sorted(moved))


def handover(roster: Roster, shift: Shift, taker: PersonId) -> tuple[Edit, ...]:
    """Return the edits with which somebody takes a shift, with its transition, and gets nothing for it."""
    start, _ = window(roster, shift)
    taken = [
        work
        for work in _begun(roster, shift.person_id, start, shift.end + HOUR)
        if work.id == shift.id or (shift.kind is ShiftKind.CALL and work.kind is ShiftKind.TRANSITION)
    ]
    return tuple(Edit(work, replace(work, person_id=taker)) for work in sorted(taken, key=lambda work: work.id))


def _begun(roster: Roster, person_id: PersonId, start: int, end: int) -> Iterable[Shift]:
    return (work for work in roster.between(person_id, start, end) if work.start >= start)
