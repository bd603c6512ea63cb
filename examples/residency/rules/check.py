"""All rules on one person, or on everybody."""

from __future__ import annotations

from collections.abc import Sequence

from examples.residency.data.entities import PersonId, Shift
from examples.residency.data.roster import Roster
from examples.residency.rules.averages import average_findings, rolling_findings
from examples.residency.rules.days import Days
from examples.residency.rules.finding import ORDER, Finding
from examples.residency.rules.periods import periods
from examples.residency.rules.rest import rest_findings

MARGIN = 7
"""Days beyond a span whose shifts are looked at, so that a rest and a free day across its ends are seen."""


def check_person(
    roster: Roster,
    person_id: PersonId,
    first: int,
    last: int,
    *,
    shifts: Sequence[Shift] | None = None,
    rolling: bool = True,
) -> list[Finding]:
    """Return what a person's work breaks from `first` to `last` (days), in the order of time.

    Averages are judged over every period that touches these days, and so over days outside them too.

    Args:
        shifts: other shifts than those of the roster, in the order of time, to see what a change would break.
        rolling: also warn of 28 days in a row.
    """
    programme, calendar = roster.programme, roster.calendar
    whole = list(periods(programme, roster.assignments[person_id], first, last))
    begin = min([first, *(period[0] for period in whole)]) - MARGIN
    end = max([last, *(period[1] for period in whole)]) + MARGIN
    if rolling:
        # Always over the whole schedule: a warning is the same one whatever days are asked for.
        begin, end = min(begin, programme.first - MARGIN), max(end, programme.last + MARGIN)
    start, until = calendar.midnight(begin), calendar.midnight(end + 1)
    if shifts is None:
        near: Sequence[Shift] = roster.between(person_id, start, until)
    else:
        near = [shift for shift in shifts if shift.start < until and shift.end > start]
    days = Days(calendar, near, roster.absences[person_id], begin, end)
    found = [*rest_findings(calendar, person_id, near), *average_findings(days, person_id, whole)]
    if rolling:
        every = list(periods(programme, roster.assignments[person_id], programme.first, programme.last))
        found += rolling_findings(days, person_id, programme.first, programme.last, every)
    return sorted((one for one in found if one.first <= last and one.last >= first), key=_order)


def check_all(roster: Roster, first: int, last: int, *, rolling: bool = True) -> list[Finding]:
    """Return what everybody's work breaks from `first` to `last` (days): violations first, in the order of time."""
    found = [
        finding
        for person_id in roster.people
        for finding in check_person(roster, person_id, first, last, rolling=rolling)
    ]
    return sorted(found, key=_order)


def _order(finding: Finding) -> tuple[int, int, int, str, str]:
    return (ORDER[finding.severity], finding.first, finding.anchor, finding.rule, finding.person_id)
