"""The tools that plan with a solver; they are offered only where OR-Tools is installed."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import Field

from examples.residency.data.clock import day_text
from examples.residency.data.previews import Preview
from examples.residency.planning.model import COVERAGE
from examples.residency.planning.plan import ClashError, plan
from examples.residency.rules.table import RULES, RuleId
from examples.residency.server import views
from examples.residency.server.acting import acting
from examples.residency.server.answers import Refusal, answer, topic_of
from examples.residency.server.changes import Version, make, show
from examples.residency.server.context import Group, answering
from examples.residency.server.questions import From, Until
from examples.residency.server.spans import days
from examples.residency.writing.requests import described
from examples.residency.writing.writer import UnknownPreviewError

MOST_DAYS = 31
TOOL = "generate_schedule"


class Plans(Group):
    """Tools that plan."""

    @answering
    def preview_generation(
        self,
        ctx: Context[Any, Any],
        start_date: From,
        end_date: Until,
        keep_existing: Annotated[
            bool, Field(description="true: the fewest swaps that mend what is wrong; false: also share calls evenly")
        ] = True,
    ) -> CallToolResult:
        """Make a schedule of at most 31 days that keeps all rules, with few changes, and show it; nothing is written.

        Where no plan keeps all rules, the answer names those that clash.
        """
        roster = self.parts.roster()
        first, last = days(roster.programme, start_date, end_date, most=MOST_DAYS)
        try:
            found = plan(roster, first, last, keep=keep_existing)
        except ClashError as error:
            raise _clash(error) from None
        except TimeoutError:
            raise Refusal("no_plan_in_time", "The search came to no end.", "Ask for fewer days.") from None
        if not found.edits:
            raise Refusal("nothing_to_do", "The schedule of these days is as the plan would have it.", "Leave it so.")
        extra = {
            "start_date": day_text(first),
            "end_date": day_text(last),
            "slots": found.slots,
            "places_moved": found.moved,
            "best_possible": found.is_best,
        }
        arguments = {"start_date": day_text(first), "end_date": day_text(last)}
        return show(self.parts, roster, found.edits, TOOL, "planning a schedule", acting(ctx), arguments, extra)

    @answering
    def show_plan(
        self,
        ctx: Context[Any, Any],
        preview_id: Annotated[str, Field(description="of preview_generation")],
    ) -> CallToolResult:
        """Show again what preview_generation has shown; nothing changes."""
        roster, preview = self.parts.roster(), self._plan(preview_id)
        summary = described(roster, preview.edits)
        data = {
            **self.parts.head(roster),
            "status": "preview",
            "preview_id": preview_id,
            "planned_at_version": preview.version,
            "summary": summary,
            "edits": [views.edit(roster, edit) for edit in preview.edits],
        }
        lines = [f"Would write: {summary}."]
        artifact = ("schedule", "Preview of a schedule")
        return answer(lines, data, topic=topic_of(roster.programme), artifact=artifact)

    @answering
    def generate_schedule(
        self,
        ctx: Context[Any, Any],
        preview_id: Annotated[str, Field(description="of preview_generation")],
        start_date: From,
        end_date: Until,
        schedule_version: Version,
    ) -> CallToolResult:
        """Write a plan that preview_generation has shown, whole; refused where the schedule has changed since."""
        preview = self._plan(preview_id)
        roster = self.parts.writer.at(schedule_version)
        first, last = days(roster.programme, start_date, end_date, most=MOST_DAYS)
        touched = [roster.calendar.day(edit.span[0]) for edit in preview.edits]
        if min(touched) < first or max(touched) > last + 1:
            raise UnknownPreviewError(f"{preview_id} of a plan for these days")
        return make(self.parts, roster, preview.edits, TOOL, "writing a new schedule", acting(ctx))

    def _plan(self, preview_id: str) -> Preview:
        """Return what a preview of a plan has shown.

        Raises:
            UnknownPreviewError: there is none.
        """
        preview = self.parts.writer.shown(preview_id)
        if preview.tool != TOOL:
            raise UnknownPreviewError(f"{preview_id} of a plan")
        return preview


def _clash(error: ClashError) -> Refusal:
    named = [
        "every slot has its people"
        if rule == COVERAGE
        else f"{RULES[RuleId(rule)].section} {RULES[RuleId(rule)].title}"
        for rule in error.rules
    ]
    return Refusal(
        "infeasible",
        f"These cannot all be kept: {'; '.join(named)}.",
        "Give these days more people, fewer slots or less leave; or ask for other days.",
        clashes=[views.rule(RuleId(rule)) if rule != COVERAGE else {"rule": COVERAGE} for rule in error.rules],
    )
