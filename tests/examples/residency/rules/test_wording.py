"""The sentence of each rule: who, what was measured, the limit; never a name."""

from __future__ import annotations

import pytest

from examples.residency.rules.finding import Finding, Severity
from examples.residency.rules.table import RuleId
from examples.residency.rules.wording import number, sentence
from tests.examples.residency.small import ANN, FIRST


@pytest.mark.parametrize(
    ("rule", "measured", "limit", "words"),
    [
        (RuleId.WEEKLY_HOURS, 83.256, 80, "works 83.26 hours a week on average from 2026-03-02 to 2026-03-29, 28 days"),
        (RuleId.FREE_DAYS, 3, 4, "has 3 free days from 2026-03-02 to 2026-03-29, 28 days; 4 needed."),
        (RuleId.CALL_FREQUENCY, 10, 28 / 3, "has in-house call on 10 nights"),
        (RuleId.SHIFT_LENGTH, 25, 24, "works 25 hours without a break"),
        (RuleId.SHIFT_LENGTH, 29, 28, "works 29 hours with the transition"),
        (RuleId.REST_AFTER_CALL, 8, 14, "has 8 hours free after 24 hours of call"),
        (RuleId.REST_BETWEEN, 7.5, 8, "has 7.5 hours between two shifts"),
    ],
)
def test_a_finding_is_told_with_its_numbers(rule: RuleId, measured: float, limit: float, words: str) -> None:
    found = Finding(
        rule=rule,
        severity=Severity.VIOLATION,
        person_id=ANN,
        first=FIRST,
        last=FIRST + 27,
        measured=measured,
        limit=limit,
        anchor=FIRST,
        days=28,
    )
    assert sentence(found).startswith(f"{ANN} {words}")


def test_a_warning_says_that_no_block_is_over() -> None:
    found = Finding(
        rule=RuleId.WEEKLY_HOURS,
        severity=Severity.WARNING,
        person_id=ANN,
        first=FIRST,
        last=FIRST + 27,
        measured=81,
        limit=80,
        anchor=FIRST,
        days=20,
    )
    assert "20 of 28 days without leave" in sentence(found)
    assert sentence(found).endswith("(28 days in a row; no block or rotation is over).")


def test_numbers_have_no_zeros_at_their_end() -> None:
    assert [number(value) for value in (80.0, 82.5, 3.857)] == ["80", "82.5", "3.86"]
