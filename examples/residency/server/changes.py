"""The tools that change the schedule, each with its preview: swaps, several changes at once, the way back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import BaseModel, Field

from examples.residency.analysis.exchange import exchange, handover
from examples.residency.data.edits import Edit
from examples.residency.data.journal import Actor, Change
from examples.residency.data.roster import Roster
from examples.residency.server import views
from examples.residency.server.acting import acting
from examples.residency.server.answers import answer, topic_of
from examples.residency.server.context import Group, Parts, answering
from examples.residency.writing.requests import BadChangeError, Requested, edits_of, person_named, shift_named
from examples.residency.writing.writer import Shown

PersonOfShift = Annotated[str, Field(description="who has the shift now")]
ShiftId = Annotated[str, Field(description="the shift")]
WithPerson = Annotated[str, Field(description="the other person")]
WithShift = Annotated[
    str | None, Field(description="the other person's shift; none = they take the shift and give nothing")
]
Version = Annotated[int, Field(ge=1, description="schedule_version of the preview")]


class ChangeOfShift(BaseModel):
    """One change: `reassign` {shift_id, person_id}, `remove` {shift_id}, `move` {shift_id, start, end}, or
    `add` {person_id, rotation, kind, start, end}."""

    action: Literal["reassign", "remove", "move", "add"]
    shift_id: str = ""
    person_id: str = Field(default="", description="who gets the shift")
    rotation: str = ""
    kind: str = ""
    start: str = Field(default="", description="ISO 8601; without an offset in the programme's time zone")
    end: str = ""

    def requested(self) -> Requested:
        """Return the change for the writer."""
        return Requested(
            action=self.action,
            shift_id=self.shift_id,
            person_id=self.person_id,
            rotation_id=self.rotation,
            kind=self.kind,
            start=self.start,
            end=self.end,
        )


SeveralChanges = Annotated[list[ChangeOfShift], Field(min_length=1, max_length=200, description="made all or none")]


class Changes(Group):
    """Tools that preview, write and roll back."""

    @answering
    def preview_swap(
        self,
        ctx: Context[Any, Any],
        person_id: PersonOfShift,
        shift_id: ShiftId,
        with_person_id: WithPerson,
        with_shift_id: WithShift = None,
    ) -> CallToolResult:
        """Show what a swap would move, mend and break; nothing changes. execute_swap then takes the same arguments."""
        roster = self.parts.roster()
        edits = _swap(roster, person_id, shift_id, with_person_id, with_shift_id)
        arguments = {
            "person_id": person_id,
            "shift_id": shift_id,
            "with_person_id": with_person_id,
            "with_shift_id": with_shift_id,
        }
        return show(self.parts, roster, edits, "execute_swap", "previewing a swap", acting(ctx), arguments)

    @answering
    def execute_swap(
        self,
        ctx: Context[Any, Any],
        person_id: PersonOfShift,
        shift_id: ShiftId,
        with_person_id: WithPerson,
        schedule_version: Version,
        with_shift_id: WithShift = None,
    ) -> CallToolResult:
        """Make a swap that preview_swap has shown; refused where the schedule has changed since."""
        roster = self.parts.writer.at(schedule_version)
        edits = _swap(roster, person_id, shift_id, with_person_id, with_shift_id)
        return make(self.parts, roster, edits, "execute_swap", "swapping shifts", acting(ctx))

    @answering
    def preview_changes(self, ctx: Context[Any, Any], changes: SeveralChanges) -> CallToolResult:
        """Show what several changes at once would mend and break; nothing changes. apply_changes makes them."""
        roster = self.parts.roster()
        edits = edits_of(roster, [change.requested() for change in changes])
        arguments = {"changes": [change.model_dump(exclude_defaults=True) for change in changes]}
        doing = f"previewing {len(edits)} changes" if len(edits) > 1 else "previewing a change"
        return show(self.parts, roster, edits, "apply_changes", doing, acting(ctx), arguments)

    @answering
    def apply_changes(
        self, ctx: Context[Any, Any], changes: SeveralChanges, schedule_version: Version
    ) -> CallToolResult:
        """Make changes that preview_changes has shown, all or none; refused where the schedule has changed since."""
        roster = self.parts.writer.at(schedule_version)
        edits = edits_of(roster, [change.requested() for change in changes])
        return make(self.parts, roster, edits, "apply_changes", "changing shifts", acting(ctx))

    @answering
    def preview_rollback(
        self,
        ctx: Context[Any, Any],
        change_id: Annotated[str, Field(description="from the answer of the write, or from list_changes")],
    ) -> CallToolResult:
        """Show what rollback_change would take back; nothing changes."""
        actor, roster = acting(ctx), self.parts.roster()
        back = self.parts.writer.change(change_id)
        data = {
            **self.parts.head(roster),
            "status": "preview",
            "summary": f"takes back: {back.summary}",
            "edits": [views.edit(roster, edit) for edit in back.edits],
        }
        lines = [f"Would take back: {back.summary}, made by {back.actor} at version {back.version}."]
        doing = notice(actor, roster, "previewing a rollback")
        artifact = ("schedule", "Preview of a rollback")
        return answer(lines, data, topic=topic_of(roster.programme), artifact=artifact, notice=doing)

    @answering
    def rollback_change(
        self,
        ctx: Context[Any, Any],
        change_id: Annotated[str, Field(description="from the answer of the write, or from list_changes")],
        schedule_version: Annotated[int, Field(ge=1, description="the schedule's version now")],
    ) -> CallToolResult:
        """Undo a change, whole; refused at another version, or where a later change builds on it."""
        actor = acting(ctx)
        change, back = self.parts.writer.roll_back(change_id, version=schedule_version, actor=actor)
        lines = [f"Rolled back: {back.summary}. The schedule is at version {change.version} [{change.id}]."]
        return _made(self.parts, change, actor, lines, {"rolled_back": back.id}, "rolling back a change")


def show(
    parts: Parts,
    roster: Roster,
    edits: tuple[Edit, ...],
    tool: str,
    doing: str,
    actor: Actor,
    arguments: dict[str, Any],
    extra: dict[str, Any] | None = None,
) -> CallToolResult:
    """Return a preview; the write with `tool` needs it."""
    shown = parts.writer.preview(roster, edits, tool=tool, doing=doing, actor=actor)
    if tool == "generate_schedule":
        arguments = {"preview_id": shown.preview_id, **arguments}
    must = len(shown.effects.violations)
    lines = [
        f"Preview: {shown.summary}.",
        *(f"- {reason}" for reason in views.reasons(roster, shown.effects)[:20]),
        f"Breaks {must} rules that must be kept; ask the person whether they want it all the same."
        if must
        else "Breaks no rule that must be kept.",
        *(f"{one.actor} is {one.doing} at the same time." for one in shown.others),
        f"To make it: {tool} with the same arguments and schedule_version {shown.version}.",
    ]
    data = {
        **parts.head(roster),
        "status": "preview",
        "preview_id": shown.preview_id,
        "summary": shown.summary,
        **_shown(roster, shown),
        **(extra or {}),
        "next": {"tool": tool, "arguments": {**arguments, "schedule_version": shown.version}},
    }
    return answer(
        lines,
        data,
        topic=topic_of(roster.programme),
        artifact=("schedule", "Preview of a change"),
        notice=notice(actor, roster, doing),
    )


def make(parts: Parts, roster: Roster, edits: tuple[Edit, ...], tool: str, doing: str, actor: Actor) -> CallToolResult:
    """Make edits that were shown, and return what was made."""
    change = parts.writer.write(roster, edits, tool=tool, doing=doing, actor=actor)
    lines = [
        f"Done: {change.summary}. The schedule is at version {change.version}.",
        f"To take it back: rollback_change with change_id {change.id} and schedule_version {change.version}.",
    ]
    return _made(parts, change, actor, lines, {}, doing)


def notice(actor: Actor, roster: Roster, doing: str) -> str:
    """Return the sentence for the other chats on this schedule."""
    return f"{actor.name} is working on the schedule of {roster.programme.name}: {doing}."


def _made(
    parts: Parts, change: Change, actor: Actor, lines: list[str], extra: dict[str, Any], doing: str
) -> CallToolResult:
    roster = parts.reader.roster()
    data = {
        **parts.head(roster),
        "status": "done",
        **views.change(roster, change),
        **extra,
        "edits": [views.edit(roster, edit) for edit in change.edits],
        "undo": {
            "tool": "rollback_change",
            "arguments": {"change_id": change.id, "schedule_version": roster.version},
        },
    }
    return answer(
        lines,
        data,
        topic=topic_of(roster.programme),
        artifact=("schedule", "Change of the schedule"),
        notice=notice(actor, roster, f"{doing}; it is now at version {change.version}"),
    )


def _shown(roster: Roster, shown: Shown) -> dict[str, Any]:
    return {
        "effects": views.effects(roster, shown.effects),
        "reasons": views.reasons(roster, shown.effects),
        "edits": [views.edit(roster, edit) for edit in shown.edits],
        "also_working": views.others(shown.others),
    }


def _swap(
    roster: Roster, person_id: str, shift_id: str, with_person_id: str, with_shift_id: str | None
) -> tuple[Edit, ...]:
    mine, partner = shift_named(roster, shift_id), person_named(roster, with_person_id)
    if mine.person_id != person_named(roster, person_id):
        raise BadChangeError(f"shift {shift_id} is not that person's")
    if mine.person_id == partner:
        raise BadChangeError("the two people of a swap are the same")
    if not with_shift_id:
        return handover(roster, mine, partner)
    theirs = shift_named(roster, with_shift_id)
    if theirs.person_id != partner:
        raise BadChangeError(f"shift {with_shift_id} is not the other person's")
    return exchange(roster, mine, theirs)
