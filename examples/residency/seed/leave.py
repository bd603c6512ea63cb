"""Leave: vacations by the week, and some days of sickness, in rotations that can spare a person."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

from examples.residency.data.entities import Absence, PersonId
from examples.residency.seed.work import Draft

VACATION_WEEKS = 3
"""The weeks of each person in the year."""

AWAY_AT_ONCE = 2
"""The most people of a team on vacation in one week."""

_SPARE = ("clinic", "elective")


def give_leave(source: random.Random, draft: Draft) -> None:
    """Give everybody their leave."""
    hard = {(team.block, person) for team in draft.teams if team.place.pattern not in _SPARE for person in team.people}
    weeks: dict[PersonId, list[tuple[int, str]]] = defaultdict(list)
    for team in draft.teams:
        if team.place.pattern in _SPARE:
            begin = draft.block_start(team.block)
            for person in team.people:
                # The last night of a hard block ends on the first day of the next one.
                first = 1 if (team.block - 1, person) in hard else 0
                weeks[person] += [(begin + 7 * week, team.place.rotation.id) for week in range(first, 4)]
    away: Counter[tuple[int, str]] = Counter()
    for person, choices in weeks.items():
        source.shuffle(choices)
        taken: list[int] = []
        for monday, rotation in choices:
            if len(taken) < VACATION_WEEKS and away[monday, rotation] < AWAY_AT_ONCE:
                away[monday, rotation] += 1
                taken.append(monday)
                draft.leave[person].append(Absence(person_id=person, kind="vacation", first=monday, last=monday + 6))
        left = [monday for monday, _ in choices if monday not in taken]
        if left and source.random() < 0.7:
            sick = source.choice(left) + source.randrange(1, 4)
            days = source.randrange(2)
            draft.leave[person].append(Absence(person_id=person, kind="sick", first=sick, last=sick + days))
