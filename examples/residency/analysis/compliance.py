"""Compliance of a span of days: every finding, what it is made of, and the sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from examples.residency.data.clock import day_text
from examples.residency.data.entities import COUNTED, HOUR, PersonId, Shift, ShiftKind
from examples.residency.data.roster import Roster
from examples.residency.rules.check import MARGIN, check_all
from examples.residency.rules.days import Days
from examples.residency.rules.finding import Finding, Severity
from examples.residency.rules.periods import periods
from examples.residency.rules.table import RULES, RuleId


@dataclass(frozen=True, slots=True, kw_only=True)
class Compliance:
    """The result of a check.

    Attributes:
        periods: the periods over which averages were taken, as days; with rotations as periods those of everybody.
        by_rule: of each rule how many findings of each severity.
    """

    findings: tuple[Finding, ...]
    periods: tuple[tuple[int, int], ...]
    people: int
    by_rule: Mapping[RuleId, Mapping[Severity, int]]

    def count(self, severity: Severity) -> int:
        """Return how many findings have that severity."""
        return sum(finding.severity is severity for finding in self.findings)

    @property
    def is_compliant(self) -> bool:
        """Whether no rule that must be kept is broken."""
        return not self.count(Severity.VIOLATION)


def check(roster: Roster, first: int, last: int) -> Compliance:
    """Check everybody from `first` to `last` (days)."""
    findings = check_all(roster, first, last)
    rules: dict[RuleId, Counter[Severity]] = {rule: Counter() for rule in RULES}
    for finding in findings:
        rules[finding.rule][finding.severity] += 1
    spans = {
        span
        for person_id in roster.people
        for span in periods(roster.programme, roster.assignments[person_id], first, last)
    }
    return Compliance(findings=tuple(findings), periods=tuple(sorted(spans)), people=len(roster.people), by_rule=rules)


def find(roster: Roster, finding_id: str) -> Finding | None:
    """Return the finding with that id, wherever in the schedule it is."""
    findings = check_all(roster, roster.programme.first, roster.programme.last)
    return next((finding for finding in findings if finding.id == finding_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of what a finding is made of: one week or one shift.

    Attributes:
        label: such as `week from 2026-11-30`.
        value: hours, free days or calls of a week; hours of a shift.
    """

    label: str
    value: float
    shifts: tuple[Shift, ...]


def parts(roster: Roster, finding: Finding) -> list[Part]:
    """Return what a finding is made of: by the week for an average, by the shift otherwise."""
    if not RULES[finding.rule].averaged:
        shifts = [roster.by_id[shift_id] for shift_id in finding.shift_ids if shift_id in roster.by_id]
        return [
            Part(
                label=f"{shift.kind} from {roster.calendar.short(shift.start)} to {roster.calendar.short(shift.end)}",
                value=(shift.end - shift.start) / HOUR,
                shifts=(shift,),
            )
            for shift in shifts
        ]
    return [
        _week(roster, finding, day, min(day + 6, finding.last)) for day in range(finding.first, finding.last + 1, 7)
    ]


def by_kind(shifts: Sequence[Shift]) -> Mapping[ShiftKind, float]:
    """Return the hours of each kind of shift whose hours count."""
    hours: Counter[ShiftKind] = Counter()
    for shift in shifts:
        if shift.kind in COUNTED:
            hours[shift.kind] += shift.end - shift.start
    return {kind: seconds / HOUR for kind, seconds in sorted(hours.items())}


def _week(roster: Roster, finding: Finding, first: int, last: int) -> Part:
    calendar, person = roster.calendar, finding.person_id
    start, end = calendar.midnight(first - MARGIN), calendar.midnight(last + 1 + MARGIN)
    near = roster.between(person, start, end)
    days = Days(calendar, near, roster.absences[person], first - MARGIN, last + MARGIN)
    shifts = tuple(shift for shift in near if first <= calendar.day(shift.start) <= last)
    match finding.rule:
        case RuleId.WEEKLY_HOURS:
            value = days.worked(first, last) / HOUR
        case RuleId.CALL_FREQUENCY:
            value = float(days.calls(first, last))
            shifts = tuple(shift for shift in shifts if shift.kind is ShiftKind.CALL)
        case _:
            value = float(days.free(first, last))
    return Part(label=f"week from {day_text(first)}", value=value, shifts=shifts)


def worst_people(findings: Sequence[Finding], most: int) -> list[tuple[PersonId, int]]:
    """Return the people with the most violations."""
    count = Counter(finding.person_id for finding in findings if finding.severity is Severity.VIOLATION)
    return sorted(count.items(), key=lambda row: (-row[1], row[0]))[:most]
