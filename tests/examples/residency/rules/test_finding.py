"""What tells one finding from another."""

from __future__ import annotations

from dataclasses import replace

from examples.residency.rules.finding import Finding, Severity
from examples.residency.rules.table import RuleId
from tests.examples.residency.small import ANN, BOB, FIRST

ONE = Finding(
    rule=RuleId.WEEKLY_HOURS,
    severity=Severity.VIOLATION,
    person_id=ANN,
    first=FIRST,
    last=FIRST + 27,
    measured=84,
    limit=80,
    anchor=FIRST,
)


def test_the_same_place_with_another_measure_is_the_same_finding() -> None:
    other = replace(ONE, measured=81)
    assert (other.key, other.id) == (ONE.key, ONE.id)
    assert (ONE.excess, other.excess) == (0.05, 0.0125)


def test_another_person_or_period_is_another_finding() -> None:
    assert len({ONE.id, replace(ONE, person_id=BOB).id, replace(ONE, anchor=FIRST + 28).id}) == 3
