"""Findings of length and rest say which shifts they are about."""

from __future__ import annotations

from examples.residency.data.clock import Calendar
from examples.residency.rules.finding import Severity
from examples.residency.rules.rest import rest_findings, severity_of
from examples.residency.rules.table import RULES, RuleId
from tests.examples.residency.small import ANN, CALL, FIRST, work


def test_a_short_rest_names_both_shifts_and_when() -> None:
    (one,) = rest_findings(Calendar("UTC", FIRST, FIRST), ANN, [work(0, 14, 10), work(1, 6, 8)])
    assert one.shift_ids == ("s-a-0-14-day", "s-a-1-6-day")
    assert (one.first, one.last, one.measured) == (FIRST + 1, FIRST + 1, 6)


def test_a_long_call_and_the_short_rest_after_it_are_two_findings() -> None:
    found = list(rest_findings(Calendar("UTC", FIRST, FIRST), ANN, [work(0, 7, 26, CALL), work(1, 20, 8)]))
    assert [one.rule for one in found] == [RuleId.SHIFT_LENGTH, RuleId.REST_AFTER_CALL]


def test_breaking_what_should_be_kept_is_no_violation() -> None:
    assert severity_of(RULES[RuleId.REST_BETWEEN]) is Severity.SHOULD
    assert severity_of(RULES[RuleId.REST_AFTER_CALL]) is Severity.VIOLATION
