"""Every rule has its number, its level, its limit, and says that it is to be checked."""

from __future__ import annotations

import pytest

from examples.residency.rules.table import RULES, Level, RuleId


@pytest.mark.parametrize(
    ("rule", "section", "limit", "level"),
    [
        (RuleId.WEEKLY_HOURS, "6.20", 80, Level.MUST),
        (RuleId.FREE_DAYS, "6.21", 7, Level.MUST),
        (RuleId.REST_AFTER_CALL, "6.21", 14, Level.MUST),
        (RuleId.REST_BETWEEN, "6.21", 8, Level.SHOULD),
        (RuleId.SHIFT_LENGTH, "6.22", 24, Level.MUST),
        (RuleId.CALL_FREQUENCY, "6.27", 3, Level.MUST),
    ],
)
def test_each_rule_has_its_number_limit_and_level(rule: RuleId, section: str, limit: float, level: Level) -> None:
    assert (RULES[rule].section, RULES[rule].limit, RULES[rule].level) == (section, limit, level)


def test_the_table_has_every_rule_and_none_is_called_checked() -> None:
    assert set(RULES) == set(RuleId)
    assert {rule.checked for rule in RULES.values()} == {"check against the current text"}
    assert RULES[RuleId.SHIFT_LENGTH].extra == 4
