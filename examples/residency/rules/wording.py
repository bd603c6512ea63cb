"""The sentences of findings. They name people by their full id, which the reader's side turns into a name."""

from __future__ import annotations

from examples.residency.data.clock import day_text
from examples.residency.rules.finding import Finding, Severity
from examples.residency.rules.table import RULES, RuleId


def sentence(finding: Finding) -> str:
    """Return what was found, with its numbers, in one sentence."""
    who, when = finding.person_id, f"from {day_text(finding.first)} to {day_text(finding.last)}"
    match finding.rule:
        case RuleId.WEEKLY_HOURS:
            what = f"works {number(finding.measured)} hours a week on average {when}, {_of_days(finding)}; limit 80"
        case RuleId.FREE_DAYS:
            what = (
                f"has {number(finding.measured)} free days {when}, {_of_days(finding)}; {number(finding.limit)} needed"
            )
        case RuleId.CALL_FREQUENCY:
            nights, most = number(finding.measured), int(finding.limit)
            what = f"has in-house call on {nights} nights {when}, {_of_days(finding)}; at most {most} allowed"
        case RuleId.SHIFT_LENGTH:
            part = "without a break" if finding.limit == RULES[finding.rule].limit else "with the transition"
            what = f"works {number(finding.measured)} hours {part} {when}; limit {number(finding.limit)}"
        case RuleId.REST_AFTER_CALL:
            what = f"has {number(finding.measured)} hours free after 24 hours of call, {when}; 14 needed"
        case RuleId.REST_BETWEEN:
            what = f"has {number(finding.measured)} hours between two shifts on {day_text(finding.last)}; 8 recommended"
    mark = " (28 days in a row; no block or rotation is over)" if finding.severity is Severity.WARNING else ""
    return f"{who} {what}{mark}."


def number(value: float) -> str:
    """Return a number with at most two digits after the point, none of them a zero at the end."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _of_days(finding: Finding) -> str:
    total = finding.last - finding.first + 1
    return f"{finding.days} days" if finding.days == total else f"{finding.days} of {total} days without leave"
