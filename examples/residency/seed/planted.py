"""Faults that are planted into the made-up year, so that questions about it have interesting answers.

Which people and which days they hit depends on the seed; what they are does not: one breach of each rule and one
conflict of each kind in the block of today or the one after it.
"""

from __future__ import annotations

import random
from itertools import pairwise

from examples.residency.data.entities import Absence, PersonId, ShiftKind
from examples.residency.seed.work import Draft, Team, Work

HOUR = 60
"""Minutes."""


def plant(source: random.Random, draft: Draft, *, block: int, busy: PersonId) -> None:
    """Plant every fault into a block and the next one, and two into blocks before it.

    Args:
        busy: a person in intensive care in that block, who gets too many hours.
    """
    now, following = draft.block_start(block), draft.block_start(block + 1)
    _too_many_hours(draft, draft.team(block, "icu"), busy, now)
    _no_rest_after_call(source, draft, draft.team(block, "icu"), busy, now)
    _no_free_days(source, draft, draft.team(block, "ward"), now)
    _short_night(draft, draft.team(block, "emergency"), now)
    _twice_at_once(source, draft, draft.team(block, "clinic"), draft.team(block, "ward"), now)
    _on_leave(source, draft, draft.team(block, "emergency"), now + 7)
    _nobody_there(source, draft, draft.team(block, "ward"), now + 14)
    _too_much_call(draft, draft.team(block + 1, "icu"), following)
    _too_long(draft, draft.team(block + 1, "clinic"), following)
    _too_junior(source, draft, draft.team(block + 1, "night"), draft.team(block + 1, "elective"), following)
    _no_free_days(source, draft, draft.team(block - 2, "ward"), draft.block_start(block - 2))
    _short_night(draft, draft.team(block - 3, "emergency"), draft.block_start(block - 3))


def _of_team(draft: Draft, team: Team, person: PersonId, first: int, days: int) -> list[Work]:
    start, end = draft.calendar.midnight(first), draft.calendar.midnight(first + days)
    rotation = team.place.rotation.id
    return [work for work in draft.work[person] if work.rotation_id == rotation and start <= work.start < end]


def _replace(draft: Draft, work: Work, *, end: int) -> None:
    draft.remove(work)
    draft.add(work._replace(end=end))


def _too_many_hours(draft: Draft, team: Team, person: PersonId, first: int) -> None:
    """One person in intensive care stays until 22:00 every day, and for 4 hours after each call."""
    for work in _of_team(draft, team, person, first, 28):
        day = draft.calendar.day(work.start)
        if work.kind is ShiftKind.DAY:
            _replace(draft, work, end=draft.calendar.at(day, 22 * HOUR))
        elif work.kind is ShiftKind.TRANSITION:
            _replace(draft, work, end=draft.calendar.at(day, 11 * HOUR))


def _no_rest_after_call(source: random.Random, draft: Draft, team: Team, busy: PersonId, first: int) -> None:
    """One person comes back for the evening of the day on which a call ended."""
    person = source.choice([person for person in team.people if person != busy])
    ends = [work for work in _of_team(draft, team, person, first + 3, 14) if work.kind is ShiftKind.TRANSITION]
    day = draft.calendar.day(ends[0].start)
    draft.add(draft.shift(person, team.place.rotation.id, ShiftKind.DAY, day, 17 * HOUR, 4 * HOUR))


def _no_free_days(source: random.Random, draft: Draft, team: Team, first: int) -> None:
    """One person of a ward works on the free days of three weeks too."""
    person = source.choice(team.people)
    worked = {draft.calendar.day(work.start) for work in _of_team(draft, team, person, first, 28)}
    for day in range(first, first + 21):
        if day not in worked:
            draft.add(draft.shift(person, team.place.rotation.id, ShiftKind.DAY, day, 7 * HOUR, 11 * HOUR))


def _short_night(draft: Draft, team: Team, first: int) -> None:
    """One person of the emergency room begins at 09:00 after a shift that ended at 02:00."""
    for person in team.people:
        shifts = sorted(_of_team(draft, team, person, first, 28), key=lambda work: work.start)
        for work, later in pairwise(shifts):
            day = draft.calendar.day(work.end)
            if draft.calendar.day(work.start) != day and later.start - work.end > 48 * 3600:
                draft.add(draft.shift(person, team.place.rotation.id, ShiftKind.DAY, day, 9 * HOUR, 8 * HOUR))
                return


def _twice_at_once(source: random.Random, draft: Draft, clinic: Team, ward: Team, first: int) -> None:
    """One person of the clinic also stands in the plan of a ward this week."""
    days = [first + 1, first + 2, first + 3]
    choices = [
        (person, draft.calendar.day(work.start))
        for person in clinic.people
        for work in _of_team(draft, clinic, person, first, 7)
        if work.kind is ShiftKind.DAY and draft.calendar.day(work.start) in days
    ]
    person, day = source.choice(choices)
    draft.add(draft.shift(person, ward.place.rotation.id, ShiftKind.DAY, day, 7 * HOUR, 11 * HOUR))


def _on_leave(source: random.Random, draft: Draft, team: Team, first: int) -> None:
    """One person got leave for days on which they still stand in the plan."""
    work = source.choice(draft.of_team(team, first, 5))
    day = draft.calendar.day(work.start)
    draft.leave[work.person_id].append(Absence(person_id=work.person_id, kind="family", first=day, last=day + 1))


def _nobody_there(source: random.Random, draft: Draft, team: Team, first: int) -> None:
    """A shift of a ward is gone on a day on which nobody is to spare."""
    days = [(day, draft.of_team(team, day, 1)) for day in range(first, first + 7)]
    _, shifts = source.choice([row for row in days if len(row[1]) == 3])
    draft.remove(source.choice(shifts))


def _too_much_call(draft: Draft, team: Team, first: int) -> None:
    """One person in intensive care takes the calls of a colleague, who takes their days instead."""
    keen, other = team.people[0], team.people[3]
    # Not on the last days: the next rotation begins after them.
    mine, theirs = (_of_team(draft, team, person, first, 25) for person in (keen, other))
    calls = [work for work in theirs if work.kind in (ShiftKind.CALL, ShiftKind.TRANSITION)]
    for work in calls:
        draft.remove(work)
        draft.add(work._replace(person_id=keen))
        for day_shift in mine:
            if day_shift.kind is ShiftKind.DAY and day_shift.start < work.end and work.start < day_shift.end:
                draft.remove(day_shift)
                draft.add(day_shift._replace(person_id=other))


def _too_long(draft: Draft, team: Team, first: int) -> None:
    """The hand-over after a call of the weekend takes 5 hours."""
    for person in team.people:
        for work in _of_team(draft, team, person, first, 14):
            if work.kind is ShiftKind.TRANSITION:
                day = draft.calendar.day(work.start)
                _replace(draft, work, end=draft.calendar.at(day, 13 * HOUR))
                return


def _too_junior(source: random.Random, draft: Draft, team: Team, elective: Team, first: int) -> None:
    """A night is done by somebody of the first level."""
    shifts = _of_team(draft, team, source.choice(team.people), first, 10)
    work = source.choice(shifts)
    juniors = [person for person, level in draft.levels.items() if level == 1]
    source.shuffle(juniors)
    spare = next(
        (
            person
            for person in [*(p for p in elective.people if draft.levels[p] == 1), *juniors]
            if not draft.near(person, work.start - 14 * 3600, work.end + 14 * 3600)
            and not draft.is_absent(work._replace(person_id=person))
        ),
        None,
    )
    if spare is not None:
        draft.remove(work)
        draft.add(work._replace(person_id=spare))
