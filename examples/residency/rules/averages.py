"""Rules that are averaged: hours a week, free days, nights of call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from examples.residency.data.entities import HOUR, PersonId
from examples.residency.rules.days import Days
from examples.residency.rules.finding import Finding, Severity
from examples.residency.rules.periods import WEEKS_4
from examples.residency.rules.table import RULES, RuleId

FEWEST_DAYS = 7
"""A period of which less is left, leave taken out, has no average that means something: it is not judged."""

_HOURS = RULES[RuleId.WEEKLY_HOURS].limit
_DAYS_A_FREE_DAY = int(RULES[RuleId.FREE_DAYS].limit)
_NIGHTS_A_CALL = int(RULES[RuleId.CALL_FREQUENCY].limit)
_SECONDS = int(_HOURS * HOUR)


def average_findings(days: Days, person_id: PersonId, whole: Iterable[tuple[int, int]]) -> Iterator[Finding]:
    """Yield what is over an average in one of the periods."""
    for first, last in whole:
        for rule in broken(days, first, last):
            yield _finding(days, rule, person_id, first, last, Severity.VIOLATION)


def rolling_findings(
    days: Days, person_id: PersonId, first: int, last: int, whole: Iterable[tuple[int, int]]
) -> Iterator[Finding]:
    """Yield a warning for each time in which 28 days in a row are over an average: its worst 28 days.

    Args:
        first, last: the days in which the 28 days lie.
        whole: the periods; where one of them is over the average and overlaps, that says enough.
    """
    told: dict[RuleId, list[int]] = {}
    for begin, end in whole:
        for rule in broken(days, begin, end):
            told.setdefault(rule, []).append(begin)
    runs: dict[RuleId, list[list[int]]] = {}
    for begin in range(first, last - WEEKS_4 + 2):
        for rule in broken(days, begin, begin + WEEKS_4 - 1):
            of_rule = runs.setdefault(rule, [])
            if of_rule and begin - of_rule[-1][-1] < WEEKS_4:
                of_rule[-1].append(begin)
            else:
                of_rule.append([begin])
    for rule, of_rule in runs.items():
        for begins in of_rule:
            low, high = begins[0] - WEEKS_4, begins[-1] + WEEKS_4
            if not any(low < begin < high for begin in told.get(rule, ())):
                yield _worst(days, rule, person_id, begins)


def broken(days: Days, first: int, last: int) -> tuple[RuleId, ...]:
    """Return the rules that the days from `first` to `last` break on average; exactly at the limit breaks nothing."""
    counting = days.counting(first, last)
    if counting < FEWEST_DAYS:
        return ()
    found: tuple[RuleId, ...] = ()
    if days.worked(first, last) * 7 > _SECONDS * counting:
        found += (RuleId.WEEKLY_HOURS,)
    if days.free(first, last) * _DAYS_A_FREE_DAY < counting:
        found += (RuleId.FREE_DAYS,)
    if days.calls(first, last) * _NIGHTS_A_CALL > counting:
        found += (RuleId.CALL_FREQUENCY,)
    return found


def measure(days: Days, rule: RuleId, first: int, last: int) -> tuple[float, float]:
    """Return what was measured and what the limit is: hours a week, free days, or nights of call."""
    counting = days.counting(first, last)
    if rule is RuleId.WEEKLY_HOURS:
        return (days.worked(first, last) / HOUR * 7 / counting if counting else 0.0), _HOURS
    if rule is RuleId.FREE_DAYS:
        return days.free(first, last), counting / _DAYS_A_FREE_DAY
    return days.calls(first, last), counting / _NIGHTS_A_CALL


def _worst(days: Days, rule: RuleId, person_id: PersonId, begins: Sequence[int]) -> Finding:
    def excess(begin: int) -> float:
        measured, limit = measure(days, rule, begin, begin + WEEKS_4 - 1)
        return (limit - measured) if rule is RuleId.FREE_DAYS else (measured - limit)

    worst = max(begins, key=excess)
    return _finding(days, rule, person_id, worst, worst + WEEKS_4 - 1, Severity.WARNING)


def _finding(days: Days, rule: RuleId, person_id: PersonId, first: int, last: int, severity: Severity) -> Finding:
    measured, limit = measure(days, rule, first, last)
    return Finding(
        rule=rule,
        severity=severity,
        person_id=person_id,
        first=first,
        last=last,
        measured=measured,
        limit=limit,
        anchor=first,
        days=days.counting(first, last),
    )
