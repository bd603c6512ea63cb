"""A plan for some days, or the rules that clash."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from examples.residency.analysis.coverage import Slot, fits
from examples.residency.data.edits import Edit
from examples.residency.data.entities import HOUR, PersonId, Shift, ShiftId, ShiftKind
from examples.residency.data.roster import Roster
from examples.residency.planning.model import CLASHING, build
from examples.residency.planning.problem import Problem, problem, until
from examples.residency.planning.solver import search


class ClashError(Exception):
    """There is no plan.

    Attributes:
        rules: what cannot all be kept; without any one of them there is a plan, or each of them alone is impossible.
    """

    def __init__(self, rules: tuple[str, ...]) -> None:
        super().__init__(", ".join(rules))
        self.rules = rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A plan.

    Attributes:
        slots: how many slots were planned.
        moved: how many of their places have somebody else than before.
        is_best: no better plan exists; else the search ended at its limit.
    """

    edits: tuple[Edit, ...]
    slots: int
    moved: int
    is_best: bool


def plan(roster: Roster, first: int, last: int, *, keep: bool) -> Plan:
    """Plan every slot from `first` to `last` (days) anew, by the rotations and leave that there are.

    Args:
        keep: True = mend what is wrong with as few changes as possible; False = also share the calls evenly.

    Raises:
        ClashError: no plan keeps all rules.
        TimeoutError: the search came to no end.
    """
    of = problem(roster, first, last)
    built = build(of, CLASHING, keep=keep)
    solution = search(built.model)
    if solution is None:
        raise ClashError(_core(of))
    chosen = {key for key, variable in built.chosen.items() if solution.is_true(variable)}
    before = {(person, slot_id) for slot_id, people in of.now.items() for person in people}
    return Plan(
        edits=tuple(sorted(_edits(of, chosen), key=lambda edit: edit.shift_id)),
        slots=len(of.slots),
        moved=len(chosen - before),
        is_best=solution.is_best,
    )


def _core(of: Problem) -> tuple[str, ...]:
    """Return rules that clash, as few as are needed: each one is left out when there is no plan without it either."""
    kept = list(CLASHING)
    for rule in CLASHING:
        fewer = [other for other in kept if other != rule]
        if search(build(of, fewer, keep=None).model) is None:
            kept = fewer
    return tuple(kept)


def _edits(of: Problem, chosen: set[tuple[PersonId, str]]) -> Iterator[Edit]:
    """Yield the edits from the open shifts to the plan; shifts keep their ids where they can."""
    left: dict[str, list[Shift]] = defaultdict(list)
    transitions: dict[tuple[PersonId, int], Shift] = {}
    for shift in of.open:
        if shift.kind is ShiftKind.TRANSITION:
            transitions[shift.person_id, shift.start] = shift
        else:
            slot = next(slot for slot in of.slots if fits(shift, slot.need, slot.start, slot.end))
            left[slot.id].append(shift)
    for slot in of.slots:
        people = sorted(person for person in of.roster.people if (person, slot.id) in chosen)
        have = left[slot.id]
        stay = {shift.person_id: shift for shift in have if shift.person_id in people}
        spare = [shift for shift in have if stay.get(shift.person_id) is not shift]
        for person in people:
            old = stay.get(person) or (spare.pop(0) if spare else None)
            yield from _change(old, _shift(slot, person, old))
            if until(slot) > slot.end:
                rest = transitions.pop((person, slot.end), None)
                yield from _change(rest, _transition(slot, person, rest))
        for shift in spare:
            yield Edit(shift, None)
    for shift in transitions.values():
        yield Edit(shift, None)


def _change(old: Shift | None, new: Shift) -> Iterator[Edit]:
    if old != new:
        yield Edit(old, new)


def _shift(slot: Slot, person: PersonId, old: Shift | None) -> Shift:
    if old is not None:
        return replace(old, person_id=person, start=slot.start, end=slot.end)
    return _new(person, slot, slot.need.kind, slot.start, slot.end)


def _transition(slot: Slot, person: PersonId, old: Shift | None) -> Shift:
    if old is not None:
        return replace(old, end=min(old.end, until(slot)))
    return _new(person, slot, ShiftKind.TRANSITION, slot.end, slot.end + HOUR)


def _new(person: PersonId, slot: Slot, kind: ShiftKind, start: int, end: int) -> Shift:
    text = "|".join((person, slot.need.rotation_id, kind, str(start), str(end)))
    return Shift(
        id=ShiftId(f"s-{hashlib.sha256(text.encode()).hexdigest()[:12]}"),
        person_id=person,
        rotation_id=slot.need.rotation_id,
        kind=kind,
        start=start,
        end=end,
    )
