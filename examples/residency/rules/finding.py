"""A finding: one place where a person's work is outside a rule."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from examples.residency.data.entities import PersonId, ShiftId
from examples.residency.rules.table import RuleId


class Severity(StrEnum):
    """What a finding means; in the order of what is told first."""

    VIOLATION = "violation"
    """A rule that must be kept is broken."""

    SHOULD = "should"
    """A rule that should be kept is not."""

    WARNING = "warning"
    """28 days in a row are over an average, though no block or rotation is."""


ORDER = {severity: place for place, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Where a person's work is outside a rule.

    Attributes:
        first, last: the days over which it was judged.
        measured: in the unit of the rule; of averages of days and nights, how many there were.
        limit: what `measured` is compared with; it may depend on the days that count.
        days: the days that count, leave taken out; 0 = the rule is not averaged.
        shift_ids: the shifts that it is about; for averages none.
        anchor: what tells it from other findings of the rule and person: a period's first day, or a shift's start.
    """

    rule: RuleId
    severity: Severity
    person_id: PersonId
    first: int
    last: int
    measured: float
    limit: float
    anchor: int
    days: int = 0
    shift_ids: tuple[ShiftId, ...] = ()

    @property
    def key(self) -> tuple[RuleId, Severity, PersonId, int]:
        """What stays the same when only the measure changes."""
        return (self.rule, self.severity, self.person_id, self.anchor)

    @property
    def id(self) -> str:
        """A short name of it, the same each time that it is found; it tells nothing of the person."""
        text = "|".join(map(str, self.key))
        return f"v-{hashlib.sha256(text.encode()).hexdigest()[:10]}"

    @property
    def excess(self) -> float:
        """How far it is outside, as a part of the limit."""
        wide = self.limit or 1.0
        return abs(self.measured - self.limit) / wide
