"""The tools that look something up: health, people, shifts, changes."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import Field

from examples.residency.analysis.names import find_people
from examples.residency.data.clock import day_text
from examples.residency.server import views
from examples.residency.server.acting import acting
from examples.residency.server.answers import answer, topic_of
from examples.residency.server.context import Group, answering
from examples.residency.server.questions import From, Until
from examples.residency.server.spans import days
from examples.residency.writing.requests import person_named

MOST_SHIFTS_IN_TEXT = 20
MOST_DAYS = 62
MOST_CHANGES = 50


class Lookups(Group):
    """Tools that look up; none of them changes anything."""

    @answering
    def health_check(self, ctx: Context[Any, Any]) -> CallToolResult:
        """Tell whether the database is well, which schedule and version there is, what day it is, who else works."""
        parts = self.parts
        roster = parts.roster()
        said = parts.reader.is_whole()
        programme = roster.programme
        others = parts.presence.others(acting(ctx))
        lines = [
            (
                f"Database {said}. Schedule {programme.schedule_id} ({programme.name}), version {roster.version}, "
                f"{day_text(programme.first)} to {day_text(programme.last)}, {len(roster.people)} people. "
                f"Today is {day_text(parts.today(roster.calendar))}."
            ),
            *(f"{one.actor} is {one.doing}." for one in others),
        ]
        data = {
            **parts.head(roster),
            "healthy": said == "ok",
            "database": said,
            "programme": programme.name,
            "start_date": day_text(programme.first),
            "end_date": day_text(programme.last),
            "averaging": str(programme.averaging),
            "people": len(roster.people),
            "shifts": len(roster.by_id),
            "rotations": [{"rotation": one.id, "title": one.name} for one in roster.rotations.values()],
            "also_working": views.others(others),
        }
        return answer(lines, data, topic=topic_of(programme))

    @answering
    def find_person(
        self, name: Annotated[str, Field(description='a name or a part of it, such as "Dr. Smith"')]
    ) -> CallToolResult:
        """Find people by their name; the answer is a reference to use as person_id."""
        roster = self.parts.roster()
        found = find_people(roster.people, name)
        today = self.parts.today(roster.calendar)
        rows = [
            {
                **views.person(roster, one.id),
                "rotation_today": roster.rotation_on(one.id, today),
                "on_leave_today": roster.is_absent(one.id, today),
            }
            for one in found
        ]
        lines = [
            f"{len(found)} {'person' if len(found) == 1 else 'people'}." if found else "Nobody has such a name.",
            *(f"- {row['person_id']}: {row['level']}, {row['rotation_today']}" for row in rows),
        ]
        return answer(lines, {**self.parts.head(roster), "people": rows}, topic=topic_of(roster.programme))

    @answering
    def show_schedule(
        self,
        start_date: From,
        end_date: Until,
        person_id: Annotated[str | None, Field(description="only this person's shifts")] = None,
    ) -> CallToolResult:
        """Show shifts with their ids, and leave, of everybody or of one person; at most 62 days."""
        roster = self.parts.roster()
        first, last = days(roster.programme, start_date, end_date, most=MOST_DAYS)
        people = [person_named(roster, person_id)] if person_id else list(roster.people)
        start, end = roster.calendar.midnight(first), roster.calendar.midnight(last + 1)
        shifts = sorted(
            (shift for one in people for shift in roster.between(one, start, end)),
            key=lambda shift: (shift.start, shift.person_id),
        )
        leave = [
            {
                **views.person(roster, absence.person_id),
                "kind": absence.kind,
                "start_date": day_text(absence.first),
                "end_date": day_text(absence.last),
            }
            for one in people
            for absence in roster.absences[one]
            if absence.first <= last and absence.last >= first
        ]
        span = f"{day_text(first)} to {day_text(last)}"
        hours: Counter[str] = Counter()
        for shift in shifts:
            hours[shift.kind] += shift.end - shift.start
        lines = [
            f"{len(shifts)} shifts of {len(people)} people, {span}; {len(leave)} on leave.",
            *(
                f"- [{one.id}] {one.person_id} {one.kind} {one.rotation_id} "
                f"{roster.calendar.short(one.start)} to {roster.calendar.short(one.end)}"
                for one in shifts[:MOST_SHIFTS_IN_TEXT]
            ),
        ]
        if len(shifts) > MOST_SHIFTS_IN_TEXT:
            lines.append(f"- and {len(shifts) - MOST_SHIFTS_IN_TEXT} more")
        data = {
            **self.parts.head(roster),
            "start_date": day_text(first),
            "end_date": day_text(last),
            "hours_by_kind": {str(kind): round(seconds / 3600, 2) for kind, seconds in sorted(hours.items())},
            "leave": leave,
            "shifts": [views.shift(roster, one) for one in shifts],
        }
        return answer(lines, data, topic=topic_of(roster.programme), artifact=("schedule", f"Schedule, {span}"))

    @answering
    def list_changes(
        self, after_version: Annotated[int, Field(ge=0, description="only changes after this version")] = 0
    ) -> CallToolResult:
        """List who changed the schedule, what and when, the latest first; the ids serve rollback_change."""
        roster = self.parts.roster()
        found = list(reversed(self.parts.journal.changes(after_version)))[:MOST_CHANGES]
        lines = [
            f"{len(found)} changes; the schedule is at version {roster.version}.",
            *(f"- {views.change_text(one)}" for one in found),
        ]
        data = {**self.parts.head(roster), "changes": [views.change(roster, one) for one in found]}
        return answer(lines, data, topic=topic_of(roster.programme), artifact=("report", "Changes of the schedule"))
