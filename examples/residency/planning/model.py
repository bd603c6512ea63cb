"""The plan as a model of CP-SAT: one variable for each person and slot, and the rules as constraints."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from examples.residency.analysis.coverage import Slot
from examples.residency.data.entities import DAY, HOUR, PersonId, Shift, ShiftKind
from examples.residency.planning.problem import Problem, until
from examples.residency.planning.solver import cp_model
from examples.residency.rules.check import MARGIN
from examples.residency.rules.days import Days
from examples.residency.rules.duty import BREAK
from examples.residency.rules.periods import periods
from examples.residency.rules.table import RULES, RuleId

COVERAGE = "coverage"
"""Not a rule on hours, but a plan may clash with it: every slot has its people."""

CLASHING = (
    COVERAGE,
    RuleId.REST_BETWEEN,
    RuleId.REST_AFTER_CALL,
    RuleId.CALL_FREQUENCY,
    RuleId.FREE_DAYS,
    RuleId.WEEKLY_HOURS,
)
"""What a plan must keep. Nobody is ever planned on leave, without the training, or in two places."""

Chosen = Mapping[tuple[PersonId, str], Any]
"""The variable of each person and slot."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model of CP-SAT and its variables."""

    model: Any
    chosen: Chosen


def build(of: Problem, rules: Collection[str], *, keep: bool | None) -> Model:
    """Return the model of a problem.

    Args:
        rules: which of `CLASHING` are kept.
        keep: True = change as little as possible; False = share the calls evenly; None = any plan will do.
    """
    model = cp_model().CpModel()
    chosen = {
        (person, slot.id): model.new_bool_var(f"{person}/{slot.id}") for slot in of.slots for person in of.able[slot.id]
    }
    built = Model(model, chosen)
    if COVERAGE in rules:
        for slot in of.slots:
            model.add(sum(chosen[person, slot.id] for person in of.able[slot.id]) >= slot.need.minimum)
    for person in of.roster.people:
        mine = [slot for slot in of.slots if (person, slot.id) in chosen]
        if mine:
            _rests(of, built, person, mine, rules)
            _averages(of, built, person, mine, rules)
    if keep is not None:
        _objective(of, built, keep=keep)
    return built


def _rests(of: Problem, built: Model, person: PersonId, mine: list[Slot], rules: Collection[str]) -> None:
    """Forbid pairs of slots, and slots beside fixed shifts, between which there is too little rest."""
    spans = [(slot.start, until(slot), slot.end - slot.start, slot.id) for slot in mine]
    for index, (_, end, length, slot_id) in enumerate(spans):
        for start, _, _, other in spans[index + 1 :]:
            if start - end < _rest(length, rules):
                built.model.add_at_most_one(built.chosen[person, slot_id], built.chosen[person, other])
            elif start - end > DAY:
                break
    fixed = [shift for shift in of.fixed[person] if shift.kind is not ShiftKind.HOME_CALL]
    for start, end, length, slot_id in spans:
        for shift in fixed:
            before = shift.start < start and start - shift.end < _rest(shift.end - shift.start, rules)
            after = shift.start >= start and shift.start - end < _rest(length, rules)
            if before or after:
                built.model.add(built.chosen[person, slot_id] == 0)
                break


def _rest(length: int, rules: Collection[str]) -> int:
    """Return the rest that a duty of some length needs; less than an hour would make two duties one."""
    if length >= DAY - HOUR and RuleId.REST_AFTER_CALL in rules:
        return int(RULES[RuleId.REST_AFTER_CALL].limit * HOUR)
    return int(RULES[RuleId.REST_BETWEEN].limit * HOUR) if RuleId.REST_BETWEEN in rules else BREAK


def _averages(of: Problem, built: Model, person: PersonId, mine: list[Slot], rules: Collection[str]) -> None:
    """Keep the averages of a person; where the days outside the plan break one alone, it must not get worse."""
    roster = of.roster
    for first, last in periods(roster.programme, roster.assignments[person], of.first, of.last):
        around = (first - MARGIN, last + MARGIN)
        fixed, now = (
            Days(roster.calendar, shifts[person], roster.absences[person], *around)
            for shifts in (of.fixed, roster.shifts)
        )
        counting = fixed.counting(first, last)
        if counting < MARGIN:
            continue
        if RuleId.WEEKLY_HOURS in rules:
            most = int(RULES[RuleId.WEEKLY_HOURS].limit * HOUR) * counting // 7
            left = (most if fixed.worked(first, last) < most else now.worked(first, last)) - fixed.worked(first, last)
            start, end = roster.calendar.midnight(first), roster.calendar.midnight(last + 1)
            spans = ((max(slot.start, start), min(until(slot), end), slot.id) for slot in mine)
            worked = [(to - begin, slot_id) for begin, to, slot_id in spans if to > begin]
            built.model.add(sum(seconds * built.chosen[person, slot_id] for seconds, slot_id in worked) <= left)
        if RuleId.CALL_FREQUENCY in rules:
            calls = [slot for slot in mine if slot.need.kind is ShiftKind.CALL and first <= slot.day <= last]
            most = counting // int(RULES[RuleId.CALL_FREQUENCY].limit)
            left = (most if fixed.calls(first, last) <= most else now.calls(first, last)) - fixed.calls(first, last)
            built.model.add(sum(built.chosen[person, slot.id] for slot in calls) <= left)
        if RuleId.FREE_DAYS in rules:
            free = list(_free(of, built, person, mine, first, last, fixed))
            needed = math.ceil(counting / RULES[RuleId.FREE_DAYS].limit)
            possible = sum(day if isinstance(day, int) else 1 for day in free)
            built.model.add(sum(free) >= (needed if possible >= needed else min(possible, now.free(first, last))))


def _free(
    of: Problem, built: Model, person: PersonId, mine: list[Slot], first: int, last: int, days: Days
) -> Iterator[Any]:
    """Yield the free days of a period: numbers outside the plan, variables within it.

    Within it only whole days by the calendar count; there may be more free spans of 24 hours than these.
    """
    calendar, roster = of.roster.calendar, of.roster
    busy: dict[int, list[Any]] = defaultdict(list)
    for slot in mine:
        for day in range(slot.day, calendar.day(until(slot) - 1) + 1):
            busy[day].append(built.chosen[person, slot.id])
    for day in range(first, last + 1):
        start, end = calendar.midnight(day), calendar.midnight(day + 1)
        if not of.first <= day <= of.last:
            yield min(1, days.free(day, day))
        elif end - start >= DAY and not roster.is_absent(person, day) and not _works(of.fixed[person], start, end):
            free = built.model.new_bool_var(f"{person}/free/{day}")
            for variable in busy[day]:
                built.model.add_at_most_one(free, variable)
            yield free


def _works(shifts: tuple[Shift, ...], start: int, end: int) -> bool:
    return any(shift.start < end and shift.end > start for shift in shifts)


def _objective(of: Problem, built: Model, *, keep: bool) -> None:
    """Prefer as many people in a slot as now, then few changes or evenly shared calls."""
    model, chosen = built.model, built.chosen
    gain: list[Any] = []
    for slot in of.slots:
        wanted = max(len(of.now[slot.id]), slot.need.minimum)
        filled = model.new_int_var(0, wanted, f"filled/{slot.id}")
        model.add(filled <= sum(chosen[person, slot.id] for person in of.able[slot.id]))
        model.add(sum(chosen[person, slot.id] for person in of.able[slot.id]) <= wanted)
        gain.append(20 * filled)
    for (person, slot_id), variable in chosen.items():
        stays = person in of.now[slot_id]
        model.add_hint(variable, stays)
        if stays:
            gain.append((10 if keep else 1) * variable)
    if not keep:
        gain.append(-30 * _most_calls(of, built))
    model.maximize(sum(gain))


def _most_calls(of: Problem, built: Model) -> Any:
    calls = [slot for slot in of.slots if slot.need.kind is ShiftKind.CALL]
    most = built.model.new_int_var(0, len(calls), "most calls")
    for person in of.roster.people:
        mine = [built.chosen[person, slot.id] for slot in calls if (person, slot.id) in built.chosen]
        if mine:
            built.model.add(sum(mine) <= most)
    return most
