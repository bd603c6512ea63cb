"""The calls of the weekend: 24 hours on Saturday and on Sunday, taken in turn by the people who work on weekdays."""

from __future__ import annotations

from collections import Counter

from examples.residency.data.entities import HOUR, PersonId, RotationId, ShiftKind
from examples.residency.seed.work import BLOCK_DAYS, Draft, Team, Work

_REST = 14 * HOUR


def give_calls(draft: Draft, block: int) -> None:
    """Give out the calls of every site in a block: each to the person who had fewest, and none two weekends running."""
    teams = [team for team in draft.teams if team.block == block]
    for team in teams:
        if team.place.pattern == "clinic":
            beside = next(
                other
                for other in teams
                if other.place.pattern == "elective" and _site(other.place.rotation.id) == _site(team.place.rotation.id)
            )
            _give(draft, team, [*team.people, *beside.people])


def _give(draft: Draft, team: Team, people: list[PersonId]) -> None:
    begin, rotation = draft.block_start(team.block), team.place.rotation.id
    # A week of leave has no free day that counts: whoever has one gets fewer calls.
    end = begin + BLOCK_DAYS
    had: Counter[PersonId] = Counter()
    for person in people:
        had[person] = sum(begin <= absence.first < end for absence in draft.leave[person])
    last: set[PersonId] = set()
    for week in range(BLOCK_DAYS // 7):
        now: set[PersonId] = set()
        for weekday in (5, 6):
            day = begin + 7 * week + weekday
            able = [person for person in people if person not in now and _is_free(draft, person, rotation, day)]
            if not able:
                continue
            person = min(able, key=lambda one: (one in last, had[one], people.index(one)))
            _take(draft, person, rotation, day)
            had[person] += 1
            now.add(person)
        last = now


def _call(draft: Draft, person: PersonId, rotation: RotationId, day: int) -> tuple[Work, Work]:
    return (
        draft.shift(person, rotation, ShiftKind.CALL, day, 8 * 60, 24 * 60),
        draft.shift(person, rotation, ShiftKind.TRANSITION, day, 32 * 60, 60),
    )


def _is_free(draft: Draft, person: PersonId, rotation: RotationId, day: int) -> bool:
    shifts = _call(draft, person, rotation, day)
    return not any(draft.is_absent(work) or draft.near(person, work.start, work.end) for work in shifts[:1])


def _take(draft: Draft, person: PersonId, rotation: RotationId, day: int) -> None:
    """Give a call to somebody, and take away what would begin within 14 hours after it."""
    call, transition = _call(draft, person, rotation, day)
    for work in draft.near(person, transition.start, transition.end + _REST):
        draft.remove(work)
    draft.add(call)
    draft.add(transition)
    draft.work[person].sort(key=lambda work: work.start)


def _site(rotation: RotationId) -> str:
    """Return what is behind the name of a rotation; the first site has nothing there."""
    return rotation.partition("-")[2]
