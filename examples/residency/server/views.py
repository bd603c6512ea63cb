"""Records as JSON. Ids of people stand in fields that end in `person_id`, names in fields that end in `person_name`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from examples.residency.analysis.conflicts import Conflict, Way
from examples.residency.analysis.coverage import Slot
from examples.residency.analysis.effects import Effects
from examples.residency.data.clock import day_text
from examples.residency.data.edits import Edit
from examples.residency.data.entities import HOUR, PersonId, Shift
from examples.residency.data.journal import Change
from examples.residency.data.presence import Present
from examples.residency.data.roster import Roster
from examples.residency.rules.finding import Finding
from examples.residency.rules.table import RULES, RuleId
from examples.residency.rules.wording import sentence

Json = dict[str, Any]


def person(roster: Roster, person_id: PersonId) -> Json:
    """Return who somebody is."""
    found = roster.people[person_id]
    return {"person_id": found.id, "person_name": found.name, "level": f"PGY-{found.level}"}


def shift(roster: Roster, found: Shift) -> Json:
    """Return a shift."""
    calendar = roster.calendar
    return {
        "shift_id": found.id,
        "person_id": found.person_id,
        "person_name": roster.people[found.person_id].name,
        "rotation": found.rotation_id,
        "kind": str(found.kind),
        "start": calendar.text(found.start),
        "end": calendar.text(found.end),
        "hours": round((found.end - found.start) / HOUR, 2),
    }


def rule(rule_id: RuleId) -> Json:
    """Return a rule."""
    found = RULES[rule_id]
    return {
        "rule": str(rule_id),
        "section": found.section,
        "binding": str(found.level),
        "title": found.title,
        "limit": found.limit,
        "unit": found.unit,
        "note": found.checked,
    }


def finding(roster: Roster, found: Finding) -> Json:
    """Return a finding."""
    known = RULES[found.rule]
    return {
        "violation_id": found.id,
        "severity": str(found.severity),
        "rule": str(found.rule),
        "section": known.section,
        "binding": str(known.level),
        **person(roster, found.person_id),
        "start_date": day_text(found.first),
        "end_date": day_text(found.last),
        "measured": round(found.measured, 2),
        "limit": round(found.limit, 2),
        "counted_days": found.days,
        "shift_ids": list(found.shift_ids),
        "sentence": sentence(found),
    }


def slot(roster: Roster, found: Slot) -> Json:
    """Return a slot with the people who fill it."""
    return {
        "slot_id": found.id,
        "rotation": found.need.rotation_id,
        "kind": str(found.need.kind),
        "start": roster.calendar.text(found.start),
        "end": roster.calendar.text(found.end),
        "needed": found.need.minimum,
        "lowest_level": f"PGY-{found.need.level}",
        "staff": [person(roster, one) for one in found.staff],
    }


def slot_text(roster: Roster, found: Slot) -> str:
    """Return a slot in words."""
    name = roster.rotations[found.need.rotation_id].name
    return f"{name}, {found.need.kind}, {roster.calendar.short(found.start)}"


def way(roster: Roster, found: Way) -> Json:
    """Return a way out of a conflict, in the form of a change of `apply_changes`."""
    data: Json = {"action": found.action}
    if found.shift_id is not None:
        data["shift_id"] = found.shift_id
    if found.person_id is not None:
        data |= {"person_id": found.person_id, "person_name": roster.people[found.person_id].name}
    if found.action == "add":
        data |= {
            "rotation": found.rotation_id,
            "kind": str(found.kind),
            "start": roster.calendar.text(found.start),
            "end": roster.calendar.text(found.end),
        }
    return data


def conflict(roster: Roster, found: Conflict) -> Json:
    """Return a conflict with the ways out of it."""
    return {
        "kind": str(found.kind),
        "start": roster.calendar.text(found.start),
        "end": roster.calendar.text(found.end),
        **({} if found.person_id is None else person(roster, found.person_id)),
        "slot": None if found.slot is None else slot(roster, found.slot),
        "shifts": [shift(roster, one) for one in found.shifts],
        "resolutions": [way(roster, one) for one in found.ways],
        "no_resolution_because": list(found.obstacles),
    }


def edit(roster: Roster, found: Edit) -> Json:
    """Return an edit."""
    return {
        "shift_id": found.shift_id,
        "before": None if found.before is None else shift(roster, found.before),
        "after": None if found.after is None else shift(roster, found.after),
    }


def effects(roster: Roster, found: Effects) -> Json:
    """Return what a change would mend and break."""
    return {
        "mends": [finding(roster, one) for one in found.mended],
        "breaks": [finding(roster, one) for one in found.broken],
        "eases": [_shifted(roster, pair.before, pair.after) for pair in found.eased],
        "worsens": [_shifted(roster, pair.before, pair.after) for pair in found.worsened],
        "fills_slots": [slot(roster, one) for one in found.filled],
        "leaves_short": [slot(roster, one) for one in found.emptied],
        "breaks_a_must": bool(found.violations),
        "score": round(found.score, 1),
    }


def reasons(roster: Roster, found: Effects) -> list[str]:
    """Return what a change would do, one sentence for each effect; people by their ids."""
    texts = [f"mends: {sentence(one)}" for one in found.mended]
    texts += [f"breaks: {sentence(one)}" for one in found.broken]
    texts += [f"eases: {sentence(pair.after)}" for pair in found.eased]
    texts += [f"worsens: {sentence(pair.after)}" for pair in found.worsened]
    texts += [f"fills: {slot_text(roster, one)}" for one in found.filled]
    texts += [f"leaves short: {slot_text(roster, one)}" for one in found.emptied]
    return texts or ["mends and breaks nothing"]


def change(roster: Roster, found: Change) -> Json:
    """Return a change that was made."""
    return {
        "change_id": found.id,
        "version": found.version,
        "tool": found.tool,
        "summary": found.summary,
        "by": found.actor,
        "by_name": found.actor_name,
        "at": moment(found.at),
        "shifts": len(found.edits),
        "rolls_back": found.rolls_back,
        "rolled_back_by": found.rolled_back_by,
    }


def change_text(found: Change) -> str:
    """Return a change in words."""
    taken_back = f" (rolled back by {found.rolled_back_by})" if found.rolled_back_by else ""
    return f"version {found.version}, {moment(found.at)}, by {found.actor}: {found.summary} [{found.id}]{taken_back}"


def others(found: Sequence[Present]) -> list[Json]:
    """Return who else works on the schedule."""
    return [{"by": one.actor, "by_name": one.actor_name, "doing": one.doing, "at": moment(one.at)} for one in found]


def moment(seconds: int) -> str:
    """Return a moment as RFC 3339 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _shifted(roster: Roster, before: Finding, after: Finding) -> Json:
    return {**finding(roster, after), "measured_before": round(before.measured, 2)}
