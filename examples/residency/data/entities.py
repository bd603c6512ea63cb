"""The records of a programme: people, rotations, what they need, shifts and absences.

Moments are seconds since the epoch (UTC), so that every duration is elapsed time, also over a change of the clocks.
Days are ordinals of `datetime.date` in the programme's time zone, both ends included.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

PersonId = NewType("PersonId", str)
"""A UUID."""

RotationId = NewType("RotationId", str)
ShiftId = NewType("ShiftId", str)
ScheduleId = NewType("ScheduleId", str)

HOUR = 3600
DAY = 24 * HOUR


class ShiftKind(StrEnum):
    """What a shift is; the rules treat them differently."""

    DAY = "day"
    """Scheduled work by day or evening."""

    NIGHT = "night"
    """A night of night float."""

    CALL = "call"
    """In-house call."""

    TRANSITION = "transition"
    """Hand-over and teaching after a call; no new patients."""

    MOONLIGHTING = "moonlighting"
    """Extra paid work, inside or outside the programme."""

    HOME_CALL = "home_call"
    """Call taken at home: the waiting itself does not count as work."""

    CALLED_IN = "called_in"
    """Hours in the hospital during a call taken at home."""

    HOME_WORK = "home_work"
    """Clinical work done at home."""


SCHEDULED = frozenset({ShiftKind.DAY, ShiftKind.NIGHT, ShiftKind.CALL, ShiftKind.TRANSITION, ShiftKind.MOONLIGHTING})
"""Kinds that form periods of duty, whose length and distance have limits."""

COUNTED = frozenset(ShiftKind) - {ShiftKind.HOME_CALL}
"""Kinds whose hours count for the weekly limit."""


class Averaging(StrEnum):
    """Over what the averages of the rules are taken."""

    BLOCK = "block"
    """Blocks of 4 weeks from the first day of the schedule."""

    ROTATION = "rotation"
    """Each person's rotations, cut after every 4 weeks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody in training.

    Attributes:
        level: the year of training, from 1.
    """

    id: PersonId
    name: str
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """A place of work.

    Attributes:
        flexible: its people may be taken away for a day to fill a hole elsewhere.
    """

    id: RotationId
    name: str
    flexible: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """How many people a rotation needs at which hours.

    Attributes:
        start: minutes after local midnight.
        minutes: the length by the clock on the wall.
        weekdays: 0 = Monday.
        minimum: the fewest people.
        level: the lowest level of each of them.
    """

    rotation_id: RotationId
    kind: ShiftKind
    start: int
    minutes: int
    weekdays: tuple[int, ...]
    minimum: int
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A person's rotation from `first` to `last` (days)."""

    person_id: PersonId
    rotation_id: RotationId
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Leave from `first` to `last` (days): vacation, sick, parental or family."""

    person_id: PersonId
    kind: str
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Work of one person from `start` to `end` (moments)."""

    id: ShiftId
    person_id: PersonId
    rotation_id: RotationId
    kind: ShiftKind
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """A programme and its one schedule.

    Attributes:
        first, last: the days of the schedule.
        time_zone: an IANA name.
    """

    schedule_id: ScheduleId
    name: str
    time_zone: str
    averaging: Averaging
    first: int
    last: int
