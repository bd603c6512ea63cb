"""What happens when one person is missing (N-1), or two at once (N-2): simulated slot by slot and pair by pair."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from examples.residency.analysis.backups import Backups
from examples.residency.analysis.coverage import Slot, slots
from examples.residency.data.entities import PersonId
from examples.residency.data.roster import Roster


class Standing(StrEnum):
    """How well a slot stands the loss of one of its people; the worst first."""

    UNDERSTAFFED = "understaffed"
    """It has too few people already."""

    CRITICAL = "critical"
    """Nobody could step in without breaking a rule."""

    FRAGILE = "fragile"
    """One person could step in."""

    COVERED = "covered"
    """It has people to spare, or two or more could step in."""


ORDER = {standing: place for place, standing in enumerate(Standing)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakness:
    """A slot and the loss of one of its people.

    Attributes:
        backups: who could step in, the least busy first.
        obstacles: how many people each reason keeps from it.
        pairs: the pairs of people whose loss at once leaves this slot short.
    """

    slot: Slot
    standing: Standing
    backups: tuple[PersonId, ...]
    obstacles: Mapping[str, int]
    pairs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contingency:
    """The result of the simulation.

    Attributes:
        weaknesses: every slot that is not covered, the worst first.
        slots: how many slots were looked at.
        pairs: how many pairs of people were taken away, each on one day.
        lost_pairs: for how many of them a slot stays short.
        people: how many of these pairs each person is a part of.
    """

    weaknesses: tuple[Weakness, ...]
    slots: int
    pairs: int
    lost_pairs: int
    people: Mapping[PersonId, int]


def simulate(roster: Roster, first: int, last: int) -> Contingency:
    """Take away each person, and each pair, from `first` to `last` (days)."""
    wanted = slots(roster, first, last)
    backups = Backups(roster)
    short: Counter[str] = Counter()
    people: Counter[PersonId] = Counter()
    pairs = lost = 0
    for _, of_day in _by_day(wanted):
        staff = sorted({person for slot in of_day for person in slot.staff})
        able = {slot.id: backups.legal(slot) for slot in of_day if slot.spare < 2}
        own = {person: [slot for slot in of_day if person in slot.staff] for person in staff}
        for pair in combinations(staff, 2):
            pairs += 1
            left = _short_without(own, pair, able)
            if left:
                lost += 1
                short.update(left)
                people.update(pair)
    found = []
    for slot in wanted:
        weakness = _weakness(slot, backups, short[slot.id])
        if weakness.standing is not Standing.COVERED:
            found.append(weakness)
    found.sort(key=lambda weakness: (ORDER[weakness.standing], weakness.slot.start, weakness.slot.id))
    return Contingency(
        weaknesses=tuple(found), slots=len(wanted), pairs=pairs, lost_pairs=lost, people=dict(people.most_common())
    )


def _weakness(slot: Slot, backups: Backups, pairs: int) -> Weakness:
    able = tuple(backups.legal(slot)) if slot.spare <= 0 else ()
    if slot.spare < 0:
        standing = Standing.UNDERSTAFFED
    elif slot.spare > 0 or len(able) > 1:
        standing = Standing.COVERED
    else:
        standing = Standing.FRAGILE if able else Standing.CRITICAL
    reasons: Counter[str] = Counter()
    if standing is not Standing.COVERED:
        reasons.update(reason for found in backups.obstacles(slot).values() for reason in found)
    return Weakness(slot=slot, standing=standing, backups=able, obstacles=dict(reasons.most_common()), pairs=pairs)


def _by_day(wanted: Sequence[Slot]) -> Iterator[tuple[int, list[Slot]]]:
    days: dict[int, list[Slot]] = defaultdict(list)
    for slot in wanted:
        days[slot.day].append(slot)
    yield from days.items()


def _short_without(
    own: Mapping[PersonId, Sequence[Slot]], pair: tuple[PersonId, PersonId], able: Mapping[str, Sequence[PersonId]]
) -> list[str]:
    """Return the slots of a day that two people's absence leaves short, when everybody able steps in.

    Slots that are short with everybody there do not count: the pair does not change them.

    Args:
        own: the slots of each person.
        able: who may step in for a slot.
    """
    places: list[Slot] = []
    for person, other in (pair, pair[::-1]):
        for slot in own[person]:
            both = other in slot.staff
            if both and person > other:
                continue  # counted with the other one
            missing = 1 + both
            places += [slot] * max(0, min(missing, missing - slot.spare))
    if not places:
        return []
    filled = _matching([[person for person in able[slot.id] if person not in pair] for slot in places])
    return sorted({slot.id for index, slot in enumerate(places) if index not in filled})


def _matching(able: Sequence[Sequence[PersonId]]) -> set[int]:
    """Return which places can be filled at once, nobody in two of them; as many as there can be (Kuhn's method)."""
    holder: dict[PersonId, int] = {}

    def settle(place: int, seen: set[PersonId]) -> bool:
        for person in able[place]:
            if person not in seen:
                seen.add(person)
                if person not in holder or settle(holder[person], seen):
                    holder[person] = place
                    return True
        return False

    for place in range(len(able)):
        settle(place, set())
    return set(holder.values())
