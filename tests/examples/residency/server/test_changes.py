"""Swaps and changes: previewed, confirmed by a write at that version, rolled back; two users at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.examples.residency.server.calling import ALICE, CARL, Caller, caller
from tests.examples.residency.server.conftest import TODAY


async def violations(call: Caller) -> int:
    """Return how many rules are broken in December."""
    found = await call("validate_schedule", schedule_id="main", start_date="2026-12-01", end_date="2026-12-31")
    count: int = found["counts"]["violation"]
    return count


async def test_a_swap_is_previewed_made_and_rolled_back(year: Path, swap: dict[str, Any]) -> None:
    async with caller(year, TODAY) as call:
        before = await violations(call)
        shown = await call("preview_swap", ALICE, **swap)
        assert (shown["status"], shown["schedule_version"], shown["effects"]["breaks"]) == ("preview", 1, [])
        assert await violations(call) == before
        done = await call(shown["next"]["tool"], ALICE, **shown["next"]["arguments"])
        assert (done["status"], done["version"], done["by"], done["by_name"]) == ("done", 2, "alice", "Alice Brown")
        assert done["edits"] == shown["edits"]
        assert await violations(call) == before - len(shown["effects"]["mends"])
        back = await call(done["undo"]["tool"], CARL, **done["undo"]["arguments"])
        assert (back["rolled_back"], back["version"]) == (done["change_id"], 3)
        assert await violations(call) == before
        again = await call("rollback_change", CARL, change_id=done["change_id"], schedule_version=3)
        assert again["reason"] == "rolled_back"


async def test_a_write_without_its_preview_is_refused(year: Path, swap: dict[str, Any]) -> None:
    async with caller(year, TODAY) as call:
        found = await call("execute_swap", ALICE, **swap, schedule_version=1)
        assert (found["status"], found["reason"]) == ("refused", "not_previewed")
        assert (await call("health_check"))["schedule_version"] == 1


async def test_a_write_at_an_older_version_says_what_changed_and_by_whom(year: Path, swap: dict[str, Any]) -> None:
    # Two servers on one database, as two processes have it.
    async with caller(year, TODAY) as alice, caller(year, TODAY) as carl:
        mine = await alice("preview_swap", ALICE, **swap)
        shift = (await carl("show_schedule", start_date="2026-12-14", end_date="2026-12-14"))["shifts"][0]
        theirs = await carl("preview_changes", CARL, changes=[{"action": "remove", "shift_id": shift["shift_id"]}])
        assert [row["by_name"] for row in theirs["also_working"]] == ["Alice Brown"]
        assert (await carl("apply_changes", CARL, **theirs["next"]["arguments"]))["status"] == "done"
        found = await alice("execute_swap", ALICE, **mine["next"]["arguments"])
        assert (found["status"], found["reason"], found["schedule_version"]) == ("refused", "stale_version", 2)
        (since,) = found["changed_since"]
        assert (since["by"], since["by_name"], since["tool"]) == ("carl", "Carl Green", "apply_changes")
        assert "by carl" in found["message"]
        assert (await alice("health_check"))["schedule_version"] == 2


async def test_several_changes_are_one_change_with_one_way_back(year: Path) -> None:
    async with caller(year, TODAY) as call:
        day = {"start_date": "2026-12-16", "end_date": "2026-12-16"}
        before = (await call("show_schedule", **day))["shifts"]
        changes = [{"action": "remove", "shift_id": row["shift_id"]} for row in before[:3]]
        shown = await call("preview_changes", ALICE, changes=changes)
        assert len(shown["edits"]) == 3
        done = await call("apply_changes", ALICE, **shown["next"]["arguments"])
        assert len((await call("show_schedule", **day))["shifts"]) == len(before) - 3
        await call("rollback_change", ALICE, **done["undo"]["arguments"])
        assert (await call("show_schedule", **day))["shifts"] == before
        listed = await call("list_changes")
        assert [row["version"] for row in listed["changes"]] == [3, 2]
        assert listed["changes"][0]["rolls_back"] == listed["changes"][1]["change_id"]


async def test_a_change_on_which_another_builds_names_it(year: Path) -> None:
    async with caller(year, TODAY) as call:
        row = (await call("show_schedule", start_date="2026-12-16", end_date="2026-12-16"))["shifts"][0]
        steps = [
            {"action": "move", "shift_id": row["shift_id"], "start": "2026-12-16T06:00", "end": "2026-12-16T12:00"},
            {"action": "remove", "shift_id": row["shift_id"]},
        ]
        made = []
        for step in steps:
            shown = await call("preview_changes", ALICE, changes=[step])
            made.append(await call("apply_changes", ALICE, **shown["next"]["arguments"]))
        found = await call("rollback_change", ALICE, change_id=made[0]["change_id"], schedule_version=3)
        assert (found["reason"], found["blocked_by"][0]["change_id"]) == ("changed_since", made[1]["change_id"])


async def test_others_of_the_same_topic_are_told_who_works_on_what(year: Path, swap: dict[str, Any]) -> None:
    async with caller(year, TODAY) as call:
        shown = await call("preview_swap", ALICE, **swap)
        assert call.meta["xswarm/topic"] == "schedule:main"
        assert call.meta["xswarm/notice"] == (
            "Alice Brown is working on the schedule of Internal medicine: previewing a swap."
        )
        await call("execute_swap", ALICE, **shown["next"]["arguments"])
        assert call.meta["xswarm/notice"].endswith("swapping shifts; it is now at version 2.")
        health = await call("health_check", CARL)
        assert [(row["by"], row["doing"]) for row in health["also_working"]] == [("alice", "swapping shifts")]


@pytest.mark.parametrize(
    "wrong",
    [{"shift_id": "s-nothing"}, {"person_id": "x"}, {"with_person_id": "x"}, {"with_shift_id": "s-1"}],
)
async def test_a_swap_that_makes_no_sense_is_refused(year: Path, swap: dict[str, Any], wrong: dict[str, str]) -> None:
    async with caller(year, TODAY) as call:
        found = await call("preview_swap", ALICE, **{**swap, **wrong})
        assert (found["status"], found["reason"]) == ("refused", "bad_change")


async def test_a_change_that_breaks_a_rule_says_so_and_can_be_made(year: Path) -> None:
    async with caller(year, TODAY) as call:
        listed = await call("show_schedule", start_date="2026-12-15", end_date="2026-12-15")
        one = next(row for row in listed["shifts"] if row["kind"] == "call" and row["start"].startswith("2026-12-15"))
        change = {
            "action": "add",
            "person_id": one["person_id"],
            "rotation": one["rotation"],
            "kind": "day",
            "start": "2026-12-16T09:00",
            "end": "2026-12-16T19:00",
        }
        shown = await call("preview_changes", ALICE, changes=[change])
        assert shown["effects"]["breaks_a_must"]
        assert "ask the person" in call.text
        assert (await call("apply_changes", ALICE, **shown["next"]["arguments"]))["status"] == "done"
