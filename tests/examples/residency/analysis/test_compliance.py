"""The sums of a check, and what a finding is made of."""

from __future__ import annotations

import pytest

from examples.residency.analysis.compliance import by_kind, check, find, parts, worst_people
from examples.residency.data.entities import ShiftKind
from examples.residency.rules.finding import Severity
from examples.residency.rules.table import RuleId
from tests.examples.residency.small import ANN, BOB, CALL, FIRST, daily, leave, programme, roster, work

SIX_DAYS = [day for day in range(28) if day % 7 < 6]


def test_a_check_counts_by_severity_and_rule_and_names_the_periods() -> None:
    of = roster(*daily(SIX_DAYS, 7, 14), work(0, 14, 10, person=BOB), work(1, 6, 8, person=BOB), of=programme(56))
    found = check(of, FIRST, FIRST + 6)
    assert [found.count(severity) for severity in Severity] == [1, 1, 0]
    assert found.by_rule[RuleId.WEEKLY_HOURS] == {Severity.VIOLATION: 1}
    assert found.by_rule[RuleId.CALL_FREQUENCY] == {}
    assert (found.periods, found.people, found.is_compliant) == (((FIRST, FIRST + 27),), 3, False)
    assert worst_people(found.findings, 5) == [(ANN, 1)]
    assert check(of, FIRST + 28, FIRST + 55).is_compliant


def test_a_finding_is_found_again_by_its_id() -> None:
    of = roster(*daily(SIX_DAYS, 7, 14), of=programme(28))
    (finding,) = check(of, FIRST, FIRST).findings
    assert find(of, finding.id) == finding
    assert find(of, "v-nothing") is None


def test_an_average_is_explained_by_the_week_and_the_weeks_add_up() -> None:
    of = roster(*daily(SIX_DAYS, 7, 15), absences=[leave(27, 27)], of=programme(28))
    finding = next(one for one in check(of, FIRST, FIRST).findings if one.rule is RuleId.WEEKLY_HOURS)
    weeks = parts(of, finding)
    assert [part.label for part in weeks] == [f"week from 2026-03-{day:02}" for day in (2, 9, 16, 23)]
    assert sum(part.value for part in weeks) == pytest.approx(finding.measured * finding.days / 7)
    assert len(weeks[0].shifts) == 6


@pytest.mark.parametrize("rule", [RuleId.FREE_DAYS, RuleId.CALL_FREQUENCY])
def test_free_days_and_calls_are_counted_by_the_week(rule: RuleId) -> None:
    of = roster(*daily([*range(21), 22, 24, 26], 17, 12, CALL), of=programme(28))
    finding = next(one for one in check(of, FIRST, FIRST).findings if one.rule is rule)
    assert sum(part.value for part in parts(of, finding)) == finding.measured


def test_a_short_rest_is_explained_by_its_shifts() -> None:
    of = roster(work(0, 14, 10), work(1, 6, 8))
    (finding,) = check(of, FIRST, FIRST + 6).findings
    assert [part.label for part in parts(of, finding)] == [
        "day from Mon 2 Mar 14:00 to Tue 3 Mar 00:00",
        "day from Tue 3 Mar 06:00 to Tue 3 Mar 14:00",
    ]


def test_hours_are_summed_by_kind_without_waiting_at_home() -> None:
    shifts = [work(0, 7, 8), work(1, 7, 8), work(0, 18, 12, ShiftKind.HOME_CALL), work(0, 20, 2, ShiftKind.CALLED_IN)]
    assert by_kind(shifts) == {ShiftKind.CALLED_IN: 2, ShiftKind.DAY: 16}
