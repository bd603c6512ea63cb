"""A plan is previewed, written and rolled back as one change."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.residency.planning.solver import is_installed
from tests.examples.residency.server.calling import ALICE, caller
from tests.examples.residency.server.conftest import TODAY

BLOCK = {"start_date": "2026-11-30", "end_date": "2026-12-27"}


@pytest.mark.skipif(is_installed(), reason="OR-Tools is installed")
async def test_without_or_tools_nothing_is_planned(made_year: Path) -> None:
    async with caller(made_year, TODAY) as call:
        names = {tool.name for tool in (await call.client.list_tools()).tools}
    assert not names & {"preview_generation", "show_plan", "generate_schedule"}


@pytest.mark.skipif(not is_installed(), reason="OR-Tools is not installed: make solver")
async def test_a_plan_is_shown_written_and_rolled_back(year: Path) -> None:
    async with caller(year, TODAY) as call:
        shown = await call("preview_generation", ALICE, **BLOCK)
        assert (shown["status"], shown["best_possible"]) == ("preview", True)
        assert len(shown["effects"]["mends"]) >= 4
        assert not shown["effects"]["breaks"]
        arguments = shown["next"]["arguments"]
        other = {**arguments, "end_date": "2026-12-01"}
        assert (await call("generate_schedule", ALICE, **other))["reason"] == "unknown_preview"
        told = await call("show_plan", ALICE, preview_id=arguments["preview_id"])
        assert (told["status"], told["summary"], told["edits"]) == ("preview", shown["summary"], shown["edits"])
        removed = next(edit["shift_id"] for edit in shown["edits"] if edit["before"])
        other_kind = await call("preview_changes", ALICE, changes=[{"action": "remove", "shift_id": removed}])
        assert (await call("show_plan", ALICE, preview_id=other_kind["preview_id"]))["reason"] == "unknown_preview"
        done = await call("generate_schedule", ALICE, **arguments)
        assert (done["status"], done["tool"], done["version"]) == ("done", "generate_schedule", 2)
        assert (await call("detect_conflicts", **BLOCK))["count"] == 0
        again = await call("generate_schedule", ALICE, **arguments)
        assert again["reason"] == "stale_version"
        assert (await call("preview_generation", ALICE, **BLOCK))["reason"] == "nothing_to_do"
        back = await call("rollback_change", ALICE, **done["undo"]["arguments"])
        assert back["rolled_back"] == done["change_id"]
        assert (await call("detect_conflicts", **BLOCK))["count"] > 3


@pytest.mark.skipif(not is_installed(), reason="OR-Tools is not installed: make solver")
async def test_rules_that_clash_are_named(year: Path) -> None:
    async with caller(year, TODAY) as call:
        week = {"start_date": "2026-12-07", "end_date": "2026-12-07"}
        listed = await call("show_schedule", **week)
        nights = [row for row in listed["shifts"] if row["kind"] == "night" and row["start"].startswith("2026-12-07")]
        # Whoever could be there at night works somewhere else, in a shift that no slot asks for.
        team = {row["person_id"] for row in (await call("show_schedule", **BLOCK))["shifts"] if row["kind"] == "night"}
        changes = [
            {
                "action": "add",
                "person_id": person,
                "rotation": nights[0]["rotation"],
                "kind": "moonlighting",
                "start": "2026-12-07T19:00",
                "end": "2026-12-08T07:00",
            }
            for person in sorted(team)
        ]
        shown = await call("preview_changes", ALICE, changes=changes)
        await call("apply_changes", ALICE, **shown["next"]["arguments"])
        found = await call("preview_generation", ALICE, **week)
        assert (found["status"], found["reason"]) == ("refused", "infeasible")
        assert "coverage" in {row["rule"] for row in found["clashes"]}
        assert found["message"].startswith("These cannot all be kept: ")
