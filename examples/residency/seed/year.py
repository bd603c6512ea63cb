"""The year of the made-up programme: blocks of four weeks, rotations, leave and shifts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence

from examples.residency.data.clock import Calendar
from examples.residency.data.database import Records
from examples.residency.data.entities import (
    COUNTED,
    HOUR,
    Assignment,
    Averaging,
    Person,
    PersonId,
    Programme,
    ScheduleId,
    Shift,
    ShiftId,
    ShiftKind,
)
from examples.residency.seed.leave import give_leave
from examples.residency.seed.patterns import OFF_FIRST, PATTERNS
from examples.residency.seed.people import people
from examples.residency.seed.planted import plant
from examples.residency.seed.rotations import PEOPLE_A_SITE, Place, site
from examples.residency.seed.weekends import give_calls
from examples.residency.seed.work import Draft, Team, Work

BLOCKS = 13
BLOCK_DAYS = 28
BLOCKS_BEFORE = 5
"""Whole blocks before the one in whose first week the given day lies."""

TIME_ZONE = "America/Chicago"
SEED = 7


def make(
    seed: int,
    today: int,
    *,
    count: int = PEOPLE_A_SITE,
    time_zone: str = TIME_ZONE,
    averaging: Averaging = Averaging.BLOCK,
    with_faults: bool = True,
) -> Records:
    """Return a programme with 364 days of work; the same arguments give the same records.

    Args:
        today: a day that has about five months before it and seven after it, so that what is asked for "this week"
            and "next month" is there.
        count: how many people: 30 for each site.
        with_faults: plant breaches of rules and conflicts around `today`.

    Raises:
        ValueError: `count` is no multiple of 30.
    """
    if count % PEOPLE_A_SITE or count <= 0:
        raise ValueError(f"{count} people are no number of sites of {PEOPLE_A_SITE}")
    source = random.Random(f"residency {seed}")
    first = today - date_weekday(today) - BLOCKS_BEFORE * BLOCK_DAYS
    calendar = Calendar(time_zone, first, first + BLOCKS * BLOCK_DAYS)
    everybody = people(source, count)
    draft, places = _built(source, calendar, first, everybody)
    if with_faults:
        busy = next(person.id for person in everybody if person.name.endswith(" Smith"))
        plant(source, draft, block=BLOCKS_BEFORE, busy=busy)
    return Records(
        programme=Programme(
            schedule_id=ScheduleId("main"),
            name="Internal medicine",
            time_zone=time_zone,
            averaging=averaging,
            first=first,
            last=first + BLOCKS * BLOCK_DAYS - 1,
        ),
        people=everybody,
        rotations=tuple(place.rotation for place in places),
        needs=tuple(need for place in places for need in place.needs),
        assignments=tuple(_assignments(draft)),
        absences=tuple(absence for absences in draft.leave.values() for absence in absences),
        shifts=_numbered(draft.work.values()),
    )


def _built(
    source: random.Random, calendar: Calendar, first: int, everybody: Sequence[Person]
) -> tuple[Draft, list[Place]]:
    """Return the year without faults, and the places of all sites."""
    draft = Draft(calendar=calendar, first=first, levels={person.id: person.level for person in everybody})
    busy = next(person.id for person in everybody if person.name.endswith(" Smith"))
    places: list[Place] = []
    # Each site has its share of every level.
    sites = len(everybody) // PEOPLE_A_SITE
    for number in range(sites):
        staff = [person.id for index, person in enumerate(everybody) if index % sites == number]
        stations = site(number)
        places += stations
        _assign(draft, source, stations, staff, busy)
    give_leave(source, draft)
    for block in range(BLOCKS):
        for team in draft.teams:
            if team.block == block:
                _work(draft, source, team)
        give_calls(draft, block)
    return draft, places


def date_weekday(day: int) -> int:
    """Return the weekday of a day, 0 = Monday."""
    return (day + 6) % 7


def _assign(
    draft: Draft, source: random.Random, places: Sequence[Place], staff: Sequence[PersonId], wanted: PersonId | None
) -> None:
    """Give everybody a rotation in each block: the one that they had least, and nothing hard twice in a row.

    Args:
        wanted: a person who is in intensive care in the block of today.
    """
    had: Counter[tuple[PersonId, str]] = Counter()
    before: dict[PersonId, str] = {}
    # The rotations that not everybody can do choose first.
    order = sorted(places, key=lambda place: (-place.level, place.rotation.id))
    for block in range(BLOCKS):
        free = list(staff)
        source.shuffle(free)
        for place in order:
            able = [person for person in free if draft.levels[person] >= place.level]
            if block == BLOCKS_BEFORE and place.pattern != "icu":
                able = [person for person in able if person != wanted]
            ranked = [
                (
                    not (block == BLOCKS_BEFORE and person == wanted),
                    before.get(person) == place.pattern,
                    had[person, place.pattern],
                    turn,
                    person,
                )
                for turn, person in enumerate(able)
            ]
            chosen = [person for *_, person in sorted(ranked)[: place.people]]
            for person in chosen:
                free.remove(person)
                had[person, place.pattern] += 1
            draft.teams.append(Team(place=place, block=block, people=chosen))
        for team in draft.teams[-len(order) :]:
            before |= dict.fromkeys(team.people, team.place.pattern)
    draft.teams.sort(key=lambda team: team.block)


def _work(draft: Draft, source: random.Random, team: Team) -> None:
    """Give a team its shifts of one block."""
    begin = draft.block_start(team.block)
    team.people = _in_order(draft, team, begin)
    pattern = PATTERNS[team.place.pattern]
    rotation_id = team.place.rotation.id
    for place, person in enumerate(team.people):
        for day in range(BLOCK_DAYS):
            hours = list(pattern(place, day, draft.levels[person], source))
            shifts = [
                draft.shift(person, rotation_id, kind, begin + day, start, length) for kind, start, length in hours
            ]
            kept = [work for work in shifts if not _is_too_early(draft, work) and not draft.is_absent(work)]
            # A call and its transition go together.
            if len(kept) == len(shifts) or not any(work.kind is ShiftKind.CALL for work in shifts):
                for work in kept:
                    draft.add(work)


def _in_order(draft: Draft, team: Team, begin: int) -> list[PersonId]:
    """Return the team with those who come from a night in the places that are off on the first day."""
    morning = draft.calendar.at(begin, 7 * 60)
    tired = [person for person in team.people if draft.last_end(person) > morning - 8 * HOUR]
    tired.sort(key=draft.last_end, reverse=True)
    fresh = [person for person in team.people if person not in tired]
    places: list[PersonId | None] = [None] * len(team.people)
    for place in OFF_FIRST[team.place.pattern]:
        if tired and place < len(places):
            places[place] = tired.pop(0)
    rest = iter([*fresh, *tired])
    return [person if person is not None else next(rest) for person in places]


def _is_too_early(draft: Draft, work: Work) -> bool:
    """Say whether the rest after the shift before, of another block, would be too short."""
    last = draft.last_of(work.person_id)
    if last is None or work.kind not in COUNTED or work.kind is ShiftKind.TRANSITION:
        return False
    needed = 14 * HOUR if last.kind in (ShiftKind.CALL, ShiftKind.TRANSITION) else 8 * HOUR
    return work.start - last.end < needed


def _assignments(draft: Draft) -> Iterable[Assignment]:
    for team in draft.teams:
        begin = draft.block_start(team.block)
        for person in team.people:
            yield Assignment(
                person_id=person,
                rotation_id=team.place.rotation.id,
                first=begin,
                last=begin + BLOCK_DAYS - 1,
            )


def _numbered(work: Iterable[list[Work]]) -> tuple[Shift, ...]:
    everything = sorted((shift for shifts in work for shift in shifts), key=lambda w: (w.start, w.person_id, w.kind))
    return tuple(
        Shift(
            id=ShiftId(f"s-{number}"),
            person_id=shift.person_id,
            rotation_id=shift.rotation_id,
            kind=shift.kind,
            start=shift.start,
            end=shift.end,
        )
        for number, shift in enumerate(everything, 1)
    )
