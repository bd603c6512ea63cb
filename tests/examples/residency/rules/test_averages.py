"""Averages of one period, and 28 days in a row."""

from __future__ import annotations

from examples.residency.data.clock import Calendar
from examples.residency.rules.averages import average_findings, broken, measure, rolling_findings
from examples.residency.rules.days import Days
from examples.residency.rules.table import RuleId
from tests.examples.residency.small import ANN, CALL, FIRST, daily


def test_every_average_that_is_broken_is_named_with_its_measure() -> None:
    days = Days(Calendar("UTC", FIRST, FIRST + 27), daily(range(28), 7, 14, CALL), (), FIRST, FIRST + 27)
    rules = broken(days, FIRST, FIRST + 27)
    assert rules == (RuleId.WEEKLY_HOURS, RuleId.FREE_DAYS, RuleId.CALL_FREQUENCY)
    assert [measure(days, rule, FIRST, FIRST + 27)[0] for rule in rules] == [98, 0, 28]
    assert [one.rule for one in average_findings(days, ANN, [(FIRST, FIRST + 27)])] == list(rules)


def test_nothing_is_measured_where_everything_is_leave() -> None:
    days = Days(Calendar("UTC", FIRST, FIRST), (), (), FIRST, FIRST)
    assert broken(days, FIRST, FIRST) == ()


def test_runs_that_overlap_are_one_warning_and_runs_apart_are_two() -> None:
    last = FIRST + 139
    heavy = [day for day in (*range(14, 42), *range(98, 126)) if day % 7 < 5]
    days = Days(Calendar("UTC", FIRST, last), daily(heavy, 7, 16.5), (), FIRST, last)
    found = [one for one in rolling_findings(days, ANN, FIRST, last, []) if one.rule is RuleId.WEEKLY_HOURS]
    assert [one.measured for one in found] == [82.5, 82.5]
    assert found[1].first - found[0].first == 84
