"""The patterns of work of the rotations: who of a rotation's people works when."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from examples.residency.data.entities import ShiftKind

HOUR = 60
"""Minutes."""


class Hours(NamedTuple):
    """Hours of one day by the clock on the wall: minutes after midnight, and a length in minutes."""

    kind: ShiftKind
    start: int
    minutes: int


Pattern = Callable[[int, int, int, random.Random], Iterator[Hours]]
"""The hours that begin on a day, by place in the team, day of the block (from 0, a Monday), and level."""


def icu(place: int, day: int, level: int, source: random.Random) -> Iterator[Hours]:
    """Call every fifth night with a transition of two hours, the day after it free, two days, a day off."""
    phase = (day + place) % 5
    if phase == 0:
        yield Hours(ShiftKind.CALL, 7 * HOUR, 24 * HOUR)
        yield Hours(ShiftKind.TRANSITION, 31 * HOUR, 2 * HOUR)
    elif phase in (2, 3):
        yield Hours(ShiftKind.DAY, 7 * HOUR, 12 * HOUR)


def night(place: int, day: int, level: int, source: random.Random) -> Iterator[Hours]:
    """Four nights, two nights off; of three people two work each night."""
    if (day + 2 * place) % 6 < 4:
        yield Hours(ShiftKind.NIGHT, 19 * HOUR, 12 * HOUR)


_OFF = ((0, 3), (1, 4), (5, 2), (6, 3), (6, 5))
"""The weekdays on which each of a ward's people is off."""


def ward(place: int, day: int, level: int, source: random.Random) -> Iterator[Hours]:
    """Five days a week; at least three of five people are there."""
    if day % 7 not in _OFF[place % len(_OFF)]:
        yield Hours(ShiftKind.DAY, 7 * HOUR, 11 * HOUR)


def emergency(place: int, day: int, level: int, source: random.Random) -> Iterator[Hours]:
    """Three early shifts, three late ones that end at two in the morning, two days off."""
    phase = (day + 2 * place) % 8
    if phase < 3:
        yield Hours(ShiftKind.DAY, 7 * HOUR, 10 * HOUR)
    elif phase < 6:
        yield Hours(ShiftKind.DAY, 16 * HOUR, 10 * HOUR)


def clinic(place: int, day: int, level: int, source: random.Random) -> Iterator[Hours]:
    """Weekdays, and some evenings of work at home. The calls of the weekend are given out afterwards."""
    if day % 7 < 5:
        yield Hours(ShiftKind.DAY, 8 * HOUR, 9 * HOUR)
        if source.random() < 0.15:
            yield Hours(ShiftKind.HOME_WORK, 19 * HOUR, 1 * HOUR)


def elective(place: int, day: int, level: int, source: random.Random) -> Iterator[Hours]:
    """Weekdays, one night a week of call at home; the third level moonlights on some Saturdays."""
    weekday = day % 7
    if weekday < 5:
        yield Hours(ShiftKind.DAY, 8 * HOUR, 9 * HOUR)
        if place == weekday:
            yield Hours(ShiftKind.HOME_CALL, 17 * HOUR, 15 * HOUR)
            if source.random() < 0.3:
                yield Hours(ShiftKind.CALLED_IN, 20 * HOUR, source.choice((2, 3)) * HOUR)
    elif weekday == 5 and level == 3 and source.random() < 0.2:
        yield Hours(ShiftKind.MOONLIGHTING, 8 * HOUR, 8 * HOUR)


PATTERNS: Mapping[str, Pattern] = {
    "icu": icu,
    "night": night,
    "ward": ward,
    "emergency": emergency,
    "clinic": clinic,
    "elective": elective,
}

OFF_FIRST: Mapping[str, tuple[int, ...]] = {
    "icu": (1, 4),
    "night": (2,),
    "ward": (0,),
    "emergency": (3,),
    "clinic": (),
    "elective": (),
}
"""The places in the team that do not work on the first day of a block: for people who come from a night."""
