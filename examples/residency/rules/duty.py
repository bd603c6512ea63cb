"""Periods of duty: shifts without a real break between them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from examples.residency.data.entities import HOUR, SCHEDULED, Shift, ShiftId, ShiftKind

BREAK = HOUR
"""A pause shorter than this, in seconds, does not end a period of duty."""


@dataclass(frozen=True, slots=True)
class Duty:
    """A period of continuous scheduled work.

    Attributes:
        start, end: its moments.
        worked_until: the moment at which the part for transitions begins; `end` where there is none.
        shift_ids: its shifts.
    """

    start: int
    end: int
    worked_until: int
    shift_ids: tuple[ShiftId, ...]


def duties(shifts: Iterable[Shift]) -> list[Duty]:
    """Return the periods of duty of one person's shifts, which are in the order of time.

    Work at home and hours called in from home do not extend a period: the text counts them by the week only.
    """
    found: list[Duty] = []
    start = end = worked = 0
    ids: list[ShiftId] = []
    for shift in shifts:
        if shift.kind not in SCHEDULED:
            continue
        if ids and shift.start - end < BREAK:
            end = max(end, shift.end)
        else:
            if ids:
                found.append(Duty(start, end, worked, tuple(ids)))
            start, end, worked, ids = shift.start, shift.end, shift.start, []
        if shift.kind is not ShiftKind.TRANSITION:
            worked = max(worked, shift.end)
        ids.append(shift.id)
    if ids:
        found.append(Duty(start, end, worked, tuple(ids)))
    return found
