"""Swap candidates of one person: whom to swap which shift with, ranked by what it breaks and mends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from examples.residency.analysis.backups import LEAVE, LEVEL, WORKING
from examples.residency.analysis.effects import Effects, effects
from examples.residency.analysis.exchange import exchange, handover
from examples.residency.data.edits import Edit, people_of
from examples.residency.data.entities import COUNTED, DAY, PersonId, Shift, ShiftId, ShiftKind
from examples.residency.data.roster import Roster
from examples.residency.rules.check import check_person
from examples.residency.rules.finding import Finding, Severity

HORIZON = 35
"""Days from the day of the question in which shifts are swapped."""

MOST_TRIED = 600
"""How many swaps are tried at most; what looks best is tried first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One swap.

    Attributes:
        theirs: the shift that is got for it, or `None`: the other person takes the shift and gives nothing.
    """

    mine: Shift
    partner: PersonId
    theirs: Shift | None
    edits: tuple[Edit, ...]
    effects: Effects


@dataclass(frozen=True, slots=True, kw_only=True)
class Swaps:
    """What was found.

    Attributes:
        shifts: the shifts of the person that were looked at, the most troubled first.
        tried: how many swaps.
        clashes: of the swaps that break a rule that must be kept: how often each rule, or other reason.
    """

    candidates: tuple[Candidate, ...]
    shifts: tuple[Shift, ...]
    tried: int
    clashes: Mapping[str, int]


def find_swaps(roster: Roster, person_id: PersonId, today: int, most: int) -> Swaps:
    """Return the best swaps of a person's shifts from `today` on; none of them breaks a rule that must be kept."""
    mine = _offered(roster, person_id, today)
    clashes: Counter[str] = Counter()
    found: list[Candidate] = []
    before: dict[PersonId, frozenset[object]] = {}
    tried = 0
    for shift, partner, theirs in _pairs(roster, mine, today, clashes):
        if tried >= MOST_TRIED:
            break
        tried += 1
        edits = exchange(roster, shift, theirs) if theirs is not None else handover(roster, shift, partner)
        reason = _obstacle(roster, edits)
        if reason:
            clashes[reason] += 1
            continue
        broken = _broken(roster, edits, before, today)
        if broken:
            clashes.update(broken)
            continue
        after = effects(roster, edits)
        if after.violations or after.emptied:
            clashes.update({str(finding.rule) for finding in after.violations})
            clashes.update({"coverage"} if after.emptied else ())
            continue
        found.append(Candidate(mine=shift, partner=partner, theirs=theirs, edits=edits, effects=after))
    found.sort(key=lambda one: (-_score(one), len(one.edits), one.mine.start, one.partner))
    return Swaps(
        candidates=tuple(_varied(found, most)), shifts=tuple(mine), tried=tried, clashes=dict(clashes.most_common())
    )


def _broken(
    roster: Roster, edits: Sequence[Edit], before: dict[PersonId, frozenset[object]], today: int
) -> frozenset[str]:
    """Return the rules that must be kept and that a swap would break.

    Args:
        before: what each person breaks already, filled as needed.
    """
    gone = {edit.shift_id for edit in edits}
    found: set[str] = set()
    for person in people_of(edits):
        kept = (shift for shift in roster.shifts[person] if shift.id not in gone)
        got = (edit.after for edit in edits if edit.after is not None and edit.after.person_id == person)
        shifts = sorted([*kept, *got], key=lambda shift: shift.start)
        if person not in before:
            before[person] = frozenset(finding.key for finding in _violations(roster, person, today, None))
        new = _violations(roster, person, today, shifts)
        found.update(str(finding.rule) for finding in new if finding.key not in before[person])
    return frozenset(found)


def _violations(roster: Roster, person: PersonId, today: int, shifts: Sequence[Shift] | None) -> list[Finding]:
    last = min(roster.programme.last, today + HORIZON + 1)
    found = check_person(roster, person, today, last, shifts=shifts, rolling=False)
    return [finding for finding in found if finding.severity is Severity.VIOLATION]


def _score(candidate: Candidate) -> float:
    """Return how good a swap is; one for nothing is worth a little less than a fair one."""
    return candidate.effects.score - (15 if candidate.theirs is None else 0)


def _varied(found: Sequence[Candidate], most: int) -> Iterator[Candidate]:
    """Yield the best, not more than two with the same partner while there are others."""
    partners: Counter[PersonId] = Counter()
    late = []
    count = 0
    for candidate in found:
        if count >= most:
            return
        if partners[candidate.partner] >= 2:
            late.append(candidate)
            continue
        partners[candidate.partner] += 1
        count += 1
        yield candidate
    yield from late[: most - count]


def _offered(roster: Roster, person_id: PersonId, today: int) -> list[Shift]:
    """Return the shifts that are worth a swap: on leave, in a finding, calls, nights and weekends; in this order."""
    calendar = roster.calendar
    start, end = calendar.midnight(today + 1), calendar.midnight(today + HORIZON)
    troubled: Counter[ShiftId] = Counter()
    for finding in check_person(roster, person_id, today, today + HORIZON, rolling=False):
        troubled.update(finding.shift_ids)

    def rank(shift: Shift) -> tuple[bool, bool, bool, int]:
        return (
            not roster.is_absent(person_id, calendar.day(shift.start)),
            not troubled[shift.id],
            shift.kind is not ShiftKind.CALL,
            shift.start,
        )

    def is_heavy(shift: Shift) -> bool:
        weekend = (calendar.day(shift.start) + 6) % 7 >= 5
        long = shift.end - shift.start > DAY // 2
        return weekend or long or shift.kind in (ShiftKind.CALL, ShiftKind.NIGHT)

    upcoming = [
        shift
        for shift in roster.between(person_id, start, end)
        if shift.start >= start and shift.kind in COUNTED and shift.kind is not ShiftKind.TRANSITION
    ]
    chosen = [
        shift
        for shift in upcoming
        if is_heavy(shift) or troubled[shift.id] or roster.is_absent(person_id, calendar.day(shift.start))
    ]
    return sorted(chosen or upcoming, key=rank)[:12]


def _pairs(
    roster: Roster, mine: Sequence[Shift], today: int, clashes: Counter[str]
) -> Iterator[tuple[Shift, PersonId, Shift | None]]:
    """Yield what may be swapped: first hand-overs, then swaps of shifts of the same kind, the nearest first."""
    calendar = roster.calendar
    start, end = calendar.midnight(today + 1), calendar.midnight(today + HORIZON)
    swaps = []
    for shift in mine:
        for partner in roster.people:
            if partner == shift.person_id:
                continue
            if roster.is_absent(partner, calendar.day(shift.start)):
                clashes[LEAVE] += 1
                continue
            if roster.between(partner, shift.start, shift.end):
                clashes[WORKING] += 1
            else:
                yield shift, partner, None
            swaps += [
                (shift, partner, theirs)
                for theirs in roster.between(partner, start, end)
                if theirs.kind is shift.kind and theirs.start >= start and theirs.start != shift.start
            ]
    team = {shift.id: roster.rotation_on(shift.person_id, calendar.day(shift.start)) for shift in mine}

    def nearness(pair: tuple[Shift, PersonId, Shift]) -> tuple[int, bool, int]:
        shift, partner, theirs = pair
        place = next(index for index, one in enumerate(mine) if one.id == shift.id)
        stranger = roster.rotation_on(partner, calendar.day(shift.start)) != team[shift.id]
        return (place, stranger, abs(theirs.start - shift.start))

    # In turn over the shifts, so that each gets its share of what is tried.
    by_shift: dict[ShiftId, list[tuple[Shift, PersonId, Shift]]] = {shift.id: [] for shift in mine}
    for pair in sorted(swaps, key=nearness):
        by_shift[pair[0].id].append(pair)
    queues = [queue for queue in by_shift.values() if queue]
    depth = max(map(len, queues), default=0)
    for index in range(depth):
        for queue in queues:
            if index < len(queue):
                yield queue[index]


def _obstacle(roster: Roster, edits: Sequence[Edit]) -> str:
    """Return what forbids a swap before any rule is looked at: leave, level, or work in two places; empty = nothing."""
    calendar = roster.calendar
    gone = {edit.shift_id for edit in edits}
    for edit in edits:
        shift = edit.after
        if shift is None:
            continue
        if roster.is_absent(shift.person_id, calendar.day(shift.start)) or roster.is_absent(
            shift.person_id, calendar.day(shift.end - 1)
        ):
            return LEAVE
        level = roster.people[shift.person_id].level
        if any(
            need.rotation_id == shift.rotation_id and need.kind is shift.kind and need.level > level
            for need in roster.needs
        ):
            return LEVEL
        others = [
            *(one for one in roster.between(shift.person_id, shift.start, shift.end) if one.id not in gone),
            *(
                other.after
                for other in edits
                if other.after is not None
                and other.after.id != shift.id
                and other.after.person_id == shift.person_id
                and other.after.start < shift.end
                and other.after.end > shift.start
            ),
        ]
        if any(other.kind is not ShiftKind.CALLED_IN for other in others):
            return WORKING
    return ""
