"""The rules with their numbers. Whoever adapts the example changes this table, and nothing else.

The limits are those of the Common Program Requirements of the ACGME as they have been since 2017: 80 hours, one day in
seven, 24 + 4 hours, 14 hours after 24, 8 hours, every third night. The numbers of the sections are those of the
reformatted text (2023 and later). None of it was compared with the text in force: **check against the current text**.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class RuleId(StrEnum):
    """The name of a rule in answers."""

    WEEKLY_HOURS = "weekly_hours"
    """80 hours a week, averaged."""

    FREE_DAYS = "free_days"
    """One day in seven free, averaged."""

    SHIFT_LENGTH = "shift_length"
    """24 hours, and 4 for transitions."""

    REST_AFTER_CALL = "rest_after_call"
    """14 hours free after 24 hours of in-house call."""

    REST_BETWEEN = "rest_between"
    """8 hours between shifts."""

    CALL_FREQUENCY = "call_frequency"
    """In-house call at most every third night, averaged."""


class Level(StrEnum):
    """How binding a rule is."""

    MUST = "must"
    """Breaking it is a violation."""

    SHOULD = "should"
    """Breaking it is allowed with a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    Attributes:
        section: its number in the text.
        limit: hours, or days or nights between two: see `unit`.
        extra: hours beyond the limit for transitions.
        averaged: it is judged over a block or a rotation, not at once.
        checked: the date on which section and limit were compared with the text in force, or what to do.
    """

    section: str
    level: Level
    title: str
    limit: float
    unit: str
    extra: float = 0.0
    averaged: bool = False
    checked: str = "check against the current text"


RULES: Mapping[RuleId, Rule] = {
    RuleId.WEEKLY_HOURS: Rule(
        section="6.20",
        level=Level.MUST,
        title="at most 80 hours a week, averaged over 4 weeks, with moonlighting, work at home and called-in hours",
        limit=80,
        unit="hours a week",
        averaged=True,
    ),
    RuleId.FREE_DAYS: Rule(
        section="6.21",
        level=Level.MUST,
        title="one day in seven free of all work and of call at home, averaged over 4 weeks",
        limit=7,
        unit="days for each free day",
        averaged=True,
    ),
    RuleId.REST_AFTER_CALL: Rule(
        section="6.21",
        level=Level.MUST,
        title="14 hours free of work after 24 hours of in-house call",
        limit=14,
        unit="hours",
    ),
    RuleId.REST_BETWEEN: Rule(
        section="6.21",
        level=Level.SHOULD,
        title="8 hours off between scheduled periods of work",
        limit=8,
        unit="hours",
    ),
    RuleId.SHIFT_LENGTH: Rule(
        section="6.22",
        level=Level.MUST,
        title="at most 24 hours of continuous work, and 4 more for transitions of care and teaching",
        limit=24,
        unit="hours",
        extra=4,
    ),
    RuleId.CALL_FREQUENCY: Rule(
        section="6.27",
        level=Level.MUST,
        title="in-house call at most every third night, averaged over 4 weeks",
        limit=3,
        unit="nights for each call",
        averaged=True,
    ),
}
