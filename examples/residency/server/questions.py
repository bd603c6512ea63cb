"""The tools that judge the schedule: compliance, conflicts, contingency, swap candidates."""

from __future__ import annotations

from typing import Annotated

from mcp.types import CallToolResult
from pydantic import Field

from examples.residency.analysis.compliance import Compliance, Part, by_kind, check, find, parts, worst_people
from examples.residency.analysis.conflicts import Conflict, detect
from examples.residency.analysis.contingency import Standing, Weakness, simulate
from examples.residency.analysis.swaps import Candidate, find_swaps
from examples.residency.data.clock import day_text, parse_day
from examples.residency.data.roster import Roster
from examples.residency.rules.finding import Severity
from examples.residency.rules.table import RULES, RuleId
from examples.residency.rules.wording import sentence
from examples.residency.server import views
from examples.residency.server.answers import Refusal, answer, topic_of
from examples.residency.server.context import Group, answering
from examples.residency.server.spans import days
from examples.residency.writing.requests import person_named

FIRST_LINES = 12
"""How many rows the text has; the structured result has all of them."""

MOST_DAYS = 62
"""The most days of a simulation."""

StartDate = Annotated[str | None, Field(description="first day, YYYY-MM-DD; without it the schedule's first day")]
EndDate = Annotated[str | None, Field(description="last day, YYYY-MM-DD; without it the schedule's last day")]
From = Annotated[str, Field(description="first day, YYYY-MM-DD")]
Until = Annotated[str, Field(description="last day, YYYY-MM-DD")]
SoonFrom = Annotated[str | None, Field(description="first day, YYYY-MM-DD; without it today")]
SoonUntil = Annotated[str | None, Field(description="last day, YYYY-MM-DD; without it 27 days after the first day")]


class Questions(Group):
    """Tools that judge; none of them changes anything."""

    @answering
    def validate_schedule(
        self,
        schedule_id: Annotated[
            str, Field(description='the schedule; "current" = the one that there is', examples=["main"])
        ],
        start_date: StartDate = None,
        end_date: EndDate = None,
    ) -> CallToolResult:
        """Check or summarize compliance with the rules on working hours (ACGME): which are broken, by whom, how much.

        Averages are judged over every block or rotation that touches the days. Sums by rule are in `by_rule`.
        """
        roster = self.parts.roster(schedule_id)
        first, last = days(roster.programme, start_date, end_date)
        found = check(roster, first, last)
        span = f"{day_text(first)} to {day_text(last)}"
        lines = [
            (
                f"{'Compliant' if found.is_compliant else 'Not compliant'}, {span}: "
                f"{found.count(Severity.VIOLATION)} violations, {found.count(Severity.SHOULD)} of rules that should be "
                f"kept, {found.count(Severity.WARNING)} warnings; {found.people} people."
            ),
            *(f"- [{one.id}] {one.severity}: {sentence(one)}" for one in found.findings[:FIRST_LINES]),
        ]
        if len(found.findings) > FIRST_LINES:
            lines.append(f"- and {len(found.findings) - FIRST_LINES} more")
        lines.append("The numbers of the rules are to be checked against the current text.")
        data = {
            **self.parts.head(roster),
            "start_date": day_text(first),
            "end_date": day_text(last),
            "compliant": found.is_compliant,
            **_sums(roster, found),
            "violations": [views.finding(roster, one) for one in found.findings],
            "rules": [views.rule(rule) for rule in RULES],
        }
        return answer(lines, data, topic=topic_of(roster.programme), artifact=("analysis", f"Compliance, {span}"))

    @answering
    def explain_violation(
        self, violation_id: Annotated[str, Field(description="from validate_schedule, such as v-0123456789")]
    ) -> CallToolResult:
        """Say why something is a violation: the rule, the arithmetic week by week, and the shifts behind it."""
        roster = self.parts.roster()
        found = find(roster, violation_id)
        if found is None:
            raise Refusal(
                "unknown_violation",
                f"There is no violation {violation_id!r} in version {roster.version} of the schedule.",
                "validate_schedule lists the violations that there are; a change may have mended it.",
            )
        rule = RULES[found.rule]
        made_of = parts(roster, found)
        lines = [
            sentence(found),
            f"Rule {rule.section} ({rule.level}): {rule.title}; {rule.checked}.",
            _arithmetic(found.rule, found.measured, found.limit, found.days),
            *(f"- {part.label}: {part.value:g}" for part in made_of),
        ]
        data = {
            **self.parts.head(roster),
            **views.finding(roster, found),
            "explanation": views.rule(found.rule),
            "arithmetic": lines[2],
            "parts": [_part(roster, part) for part in made_of],
        }
        return answer(lines, data, topic=topic_of(roster.programme), artifact=("analysis", f"Why: {rule.title}"))

    @answering
    def analyze_swap_candidates(
        self,
        person_id: Annotated[str, Field(description="whose shifts; find_person finds people by name")],
        max_candidates: Annotated[int, Field(ge=1, le=50, description="how many at most")] = 10,
    ) -> CallToolResult:
        """Find swaps for a person's shifts of the next five weeks, ranked by what they mend and break, with reasons.

        None of them breaks a rule that must be kept. Without any, the answer names the rules that clash.
        """
        roster = self.parts.roster()
        person = person_named(roster, person_id)
        found = find_swaps(roster, person, self.parts.today(roster.calendar), max_candidates)
        clashes = [
            {"reason": reason, "swaps": count, "section": RULES[RuleId(reason)].section if reason in RULES else None}
            for reason, count in found.clashes.items()
        ]
        named = ", ".join(f"{reason} ({count})" for reason, count in found.clashes.items())
        lines = [
            f"{len(found.candidates)} candidates for {person} of {found.tried} swaps tried."
            + ("" if found.candidates else f" What stands against them: {named or 'no shift to swap'}."),
            *(
                f"{place}. {_swap_text(roster, one)}: {'; '.join(views.reasons(roster, one.effects))}"
                for place, one in enumerate(found.candidates[:FIRST_LINES], 1)
            ),
        ]
        data = {
            **self.parts.head(roster),
            **views.person(roster, person),
            "feasible": bool(found.candidates),
            "candidates": [_candidate(roster, place, one) for place, one in enumerate(found.candidates, 1)],
            "shifts_looked_at": [views.shift(roster, one) for one in found.shifts],
            "swaps_tried": found.tried,
            "clashes": clashes,
        }
        return answer(lines, data, topic=topic_of(roster.programme), artifact=("analysis", "Swap candidates"))

    @answering
    def run_contingency_analysis(self, start_date: SoonFrom = None, end_date: SoonUntil = None) -> CallToolResult:
        """Show vulnerable slots: simulate the loss of each person (N-1) and of each two at once (N-2).

        `critical`: nobody may step in; `fragile`: one person may; `understaffed`: short already. At most 62 days.
        """
        roster = self.parts.roster()
        first, last = days(roster.programme, *self._soon(roster, start_date, end_date), most=MOST_DAYS)
        found = simulate(roster, first, last)
        count = {
            str(standing): sum(one.standing is standing for one in found.weaknesses)
            for standing in Standing
            if standing is not Standing.COVERED
        }
        span = f"{day_text(first)} to {day_text(last)}"
        lines = [
            f"{found.slots} slots, {span}: " + ", ".join(f"{number} {name}" for name, number in count.items()) + ".",
            f"Of {found.pairs} pairs of people missing on the same day, {found.lost_pairs} leave a slot short.",
            *(f"- {_weak_text(roster, one)}" for one in found.weaknesses[:FIRST_LINES]),
        ]
        data = {
            **self.parts.head(roster),
            "start_date": day_text(first),
            "end_date": day_text(last),
            "slots": found.slots,
            "counts": count,
            "vulnerable_slots": [_weak(roster, one) for one in found.weaknesses],
            "n2": {
                "pairs": found.pairs,
                "short": found.lost_pairs,
                "people": [
                    {**views.person(roster, one), "pairs": number}
                    for one, number in list(found.people.items())[:FIRST_LINES]
                ],
            },
        }
        return answer(lines, data, topic=topic_of(roster.programme), artifact=("analysis", f"Vulnerable slots, {span}"))

    @answering
    def detect_conflicts(self, start_date: SoonFrom = None, end_date: SoonUntil = None) -> CallToolResult:
        """Find conflicts: too few people, two places at once, work on leave, too little training; with ways out.

        Each resolution has the form of one change of preview_changes and apply_changes.
        """
        roster = self.parts.roster()
        first, last = days(roster.programme, *self._soon(roster, start_date, end_date))
        found = detect(roster, first, last)
        span = f"{day_text(first)} to {day_text(last)}"
        lines = [
            f"{len(found)} conflicts, {span}.",
            *(f"- {_conflict_text(roster, one)}" for one in found[:FIRST_LINES]),
        ]
        data = {
            **self.parts.head(roster),
            "start_date": day_text(first),
            "end_date": day_text(last),
            "count": len(found),
            "conflicts": [views.conflict(roster, one) for one in found],
        }
        return answer(lines, data, topic=topic_of(roster.programme), artifact=("analysis", f"Conflicts, {span}"))

    def _soon(self, roster: Roster, start_date: str | None, end_date: str | None) -> tuple[str, str]:
        """Return two dates; those that are missing begin today and make four weeks."""
        start = start_date or day_text(self.parts.today(roster.calendar))
        try:
            return start, end_date or day_text(parse_day(start) + 27)
        except ValueError:
            return start, end_date or ""


def _sums(roster: Roster, found: Compliance) -> views.Json:
    return {
        "counts": {str(severity): found.count(severity) for severity in Severity},
        "by_rule": [
            {
                "rule": str(rule),
                "section": RULES[rule].section,
                "binding": str(RULES[rule].level),
                **{str(severity): count.get(severity, 0) for severity in Severity},
            }
            for rule, count in found.by_rule.items()
        ],
        "people": found.people,
        "most_violations": [
            {**views.person(roster, one), "violations": count} for one, count in worst_people(found.findings, 5)
        ],
        "averaged_over": [
            {"start_date": day_text(first), "end_date": day_text(last)} for first, last in found.periods[:60]
        ],
    }


def _arithmetic(rule: RuleId, measured: float, limit: float, counted: int) -> str:
    match rule:
        case RuleId.WEEKLY_HOURS:
            total = measured * counted / 7
            return f"{total:.1f} hours in {counted} days that count = {measured:.2f} a week; more than {limit:g}."
        case RuleId.FREE_DAYS:
            return f"{measured:g} free days in {counted} days that count; {counted} / 7 = {limit:.2f} are needed."
        case RuleId.CALL_FREQUENCY:
            return f"{measured:g} calls in {counted} nights that count; {counted} / 3 = {limit:.2f} is the most."
        case RuleId.SHIFT_LENGTH:
            return f"{measured:.2f} hours from begin to end, by the clock of elapsed time; the limit is {limit:g}."
        case RuleId.REST_AFTER_CALL | RuleId.REST_BETWEEN:
            return f"{measured:.2f} hours between end and begin, by the clock of elapsed time; {limit:g} are needed."


def _part(roster: Roster, part: Part) -> views.Json:
    return {
        "label": part.label,
        "value": round(part.value, 2),
        "hours_by_kind": {str(kind): round(hours, 2) for kind, hours in by_kind(part.shifts).items()},
        "shifts": [views.shift(roster, one) for one in part.shifts],
    }


def _swap_text(roster: Roster, one: Candidate) -> str:
    calendar = roster.calendar
    given = f"{one.mine.kind} {calendar.short(one.mine.start)} [{one.mine.id}] goes to {one.partner}"
    if one.theirs is None:
        return f"{given}, for nothing"
    return f"{given}, for {one.theirs.kind} {calendar.short(one.theirs.start)} [{one.theirs.id}]"


def _candidate(roster: Roster, place: int, one: Candidate) -> views.Json:
    partner = roster.people[one.partner]
    return {
        "rank": place,
        "with_person_id": partner.id,
        "with_person_name": partner.name,
        "with_level": f"PGY-{partner.level}",
        "shift": views.shift(roster, one.mine),
        "with_shift": None if one.theirs is None else views.shift(roster, one.theirs),
        "shifts_moved": len(one.edits),
        "reasons": views.reasons(roster, one.effects),
        **views.effects(roster, one.effects),
        "arguments": {
            "person_id": one.mine.person_id,
            "shift_id": one.mine.id,
            "with_person_id": one.partner,
            "with_shift_id": None if one.theirs is None else one.theirs.id,
        },
    }


def _weak_text(roster: Roster, one: Weakness) -> str:
    text = f"{one.standing}: {views.slot_text(roster, one.slot)}"
    if one.backups:
        return f"{text}; only {one.backups[0]} may step in"
    return f"{text}; nobody may step in: " + ", ".join(f"{reason} ({n})" for reason, n in one.obstacles.items())


def _weak(roster: Roster, one: Weakness) -> views.Json:
    return {
        **views.slot(roster, one.slot),
        "standing": str(one.standing),
        "backups": [views.person(roster, person) for person in one.backups],
        "obstacles": dict(one.obstacles),
        "pairs_that_leave_it_short": one.pairs,
    }


def _conflict_text(roster: Roster, one: Conflict) -> str:
    where = "" if one.slot is None else f" ({views.slot_text(roster, one.slot)})"
    who = "" if one.person_id is None else f" {one.person_id}"
    ways = f"{len(one.ways)} ways out" if one.ways else f"no way out: {', '.join(one.obstacles)}"
    return f"{one.kind}{who}, {roster.calendar.short(one.start)}{where}; {ways}"
