"""Rules that are judged at once: the length of a period of duty, and the rest after it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from operator import attrgetter

from examples.residency.data.clock import Calendar
from examples.residency.data.entities import COUNTED, HOUR, PersonId, Shift, ShiftId
from examples.residency.rules.duty import Duty, duties
from examples.residency.rules.finding import Finding, Severity
from examples.residency.rules.table import RULES, Level, Rule, RuleId

_LENGTH = RULES[RuleId.SHIFT_LENGTH]
_AFTER_CALL = RULES[RuleId.REST_AFTER_CALL]
_BETWEEN = RULES[RuleId.REST_BETWEEN]
_LONG = int(_LENGTH.limit * HOUR)
_LONGEST = int((_LENGTH.limit + _LENGTH.extra) * HOUR)
_REST_AFTER_CALL = int(_AFTER_CALL.limit * HOUR)
_REST_BETWEEN = int(_BETWEEN.limit * HOUR)

_start = attrgetter("start")


def rest_findings(calendar: Calendar, person_id: PersonId, shifts: Sequence[Shift]) -> Iterator[Finding]:
    """Yield what one person's shifts, in the order of time, break by their length and distance."""
    periods = duties(shifts)
    for index, duty in enumerate(periods):
        following = periods[index + 1] if index + 1 < len(periods) else None
        worked, whole = duty.worked_until - duty.start, duty.end - duty.start
        if worked > _LONG or whole > _LONGEST:
            yield _finding(
                RuleId.SHIFT_LENGTH,
                calendar,
                person_id,
                (duty.start, duty.end),
                measured=worked if worked > _LONG else whole,
                limit=_LONG if worked > _LONG else _LONGEST,
                shift_ids=duty.shift_ids,
            )
        if worked >= _LONG:
            disturbed = _next_work(shifts, duty)
            if disturbed is not None and disturbed.start - duty.end < _REST_AFTER_CALL:
                yield _gap(RuleId.REST_AFTER_CALL, calendar, person_id, duty, disturbed.start, disturbed.id)
                continue
        if following is not None and following.start - duty.end < _REST_BETWEEN:
            yield _gap(RuleId.REST_BETWEEN, calendar, person_id, duty, following.start, following.shift_ids[0])


def severity_of(rule: Rule) -> Severity:
    """Return what breaking a rule means."""
    return Severity.VIOLATION if rule.level is Level.MUST else Severity.SHOULD


def _next_work(shifts: Sequence[Shift], duty: Duty) -> Shift | None:
    """Return the first shift after a duty whose hours count, at home or not."""
    for shift in shifts[bisect_left(shifts, duty.start, key=_start) :]:
        if shift.start >= duty.end and shift.kind in COUNTED:
            return shift
        if shift.start >= duty.end + _REST_AFTER_CALL:
            break
    return None


def _gap(rule: RuleId, calendar: Calendar, person_id: PersonId, duty: Duty, start: int, shift_id: ShiftId) -> Finding:
    limit = _REST_AFTER_CALL if rule is RuleId.REST_AFTER_CALL else _REST_BETWEEN
    return _finding(
        rule,
        calendar,
        person_id,
        (duty.end, start),
        measured=start - duty.end,
        limit=limit,
        shift_ids=(*duty.shift_ids, shift_id),
    )


def _finding(
    rule: RuleId,
    calendar: Calendar,
    person_id: PersonId,
    span: tuple[int, int],
    *,
    measured: int,
    limit: int,
    shift_ids: tuple[ShiftId, ...],
) -> Finding:
    return Finding(
        rule=rule,
        severity=severity_of(RULES[rule]),
        person_id=person_id,
        first=calendar.day(span[0]),
        last=calendar.day(span[1]),
        measured=measured / HOUR,
        limit=limit / HOUR,
        anchor=span[0],
        shift_ids=shift_ids,
    )
