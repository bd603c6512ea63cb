"""A schedule while it is made: shifts without ids, by person."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from examples.residency.data.clock import Calendar
from examples.residency.data.entities import SCHEDULED, Absence, PersonId, RotationId, ShiftKind
from examples.residency.seed.rotations import Place

BLOCK_DAYS = 28


class Work(NamedTuple):
    """A shift without an id."""

    person_id: PersonId
    rotation_id: RotationId
    kind: ShiftKind
    start: int
    end: int


@dataclass(slots=True, kw_only=True)
class Team:
    """The people of a place in one block, in the order of the pattern."""

    place: Place
    block: int
    people: list[PersonId]


@dataclass(slots=True, kw_only=True)
class Draft:
    """What was made so far.

    Attributes:
        first: the first day.
        work: each person's shifts, in the order of time until faults are planted.
    """

    calendar: Calendar
    first: int
    levels: dict[PersonId, int]
    teams: list[Team] = field(default_factory=list)
    leave: dict[PersonId, list[Absence]] = field(default_factory=lambda: defaultdict(list))
    work: dict[PersonId, list[Work]] = field(default_factory=lambda: defaultdict(list))

    def block_start(self, block: int) -> int:
        """Return the first day of a block."""
        return self.first + block * BLOCK_DAYS

    def team(self, block: int, pattern: str) -> Team:
        """Return the first team with that pattern in a block."""
        return next(team for team in self.teams if team.block == block and team.place.pattern == pattern)

    def shift(
        self, person: PersonId, rotation: RotationId, kind: ShiftKind, day: int, start: int, minutes: int
    ) -> Work:
        """Return a shift by the clock on the wall: it begins `start` minutes after the midnight of a day."""
        begin, end = self.calendar.at(day, start), self.calendar.at(day, start + minutes)
        return Work(person, rotation, kind, begin, end)

    def add(self, work: Work) -> None:
        """Add a shift."""
        self.work[work.person_id].append(work)

    def remove(self, work: Work) -> None:
        """Take a shift away."""
        self.work[work.person_id].remove(work)

    def last_of(self, person: PersonId) -> Work | None:
        """Return the scheduled shift that was added last."""
        return next((work for work in reversed(self.work[person]) if work.kind in SCHEDULED), None)

    def last_end(self, person: PersonId) -> int:
        """Return the end of the scheduled shift that was added last; 0 = there is none."""
        last = self.last_of(person)
        return 0 if last is None else last.end

    def near(self, person: PersonId, start: int, end: int) -> list[Work]:
        """Return a person's shifts that touch a span."""
        return [work for work in self.work[person] if work.start < end and work.end > start]

    def of_team(self, team: Team, first: int, days: int) -> list[Work]:
        """Return the shifts of a team in its place that begin on some days."""
        start, end = self.calendar.midnight(first), self.calendar.midnight(first + days)
        rotation = team.place.rotation.id
        return [
            work
            for person in team.people
            for work in self.work[person]
            if work.rotation_id == rotation and start <= work.start < end
        ]

    def is_absent(self, work: Work) -> bool:
        """Say whether a shift touches leave of its person."""
        first, last = self.calendar.day(work.start), self.calendar.day(work.end - 1)
        return any(absence.first <= last and absence.last >= first for absence in self.leave[work.person_id])
