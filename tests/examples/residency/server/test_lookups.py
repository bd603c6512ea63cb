"""Health, people, shifts."""

from __future__ import annotations

from pathlib import Path

from tests.examples.residency.server.calling import caller
from tests.examples.residency.server.conftest import TODAY


async def test_health_names_schedule_version_and_day(made_year: Path) -> None:
    async with caller(made_year, TODAY) as call:
        found = await call("health_check")
        assert found["healthy"] is True
        assert (found["schedule_id"], found["schedule_version"], found["today"]) == ("main", 1, "2026-11-30")
        assert found["people"] == 30
        assert found["also_working"] == []


async def test_people_are_found_by_reference_with_what_tells_them_apart(made_year: Path) -> None:
    async with caller(made_year, TODAY) as call:
        found = await call("find_person", name="Patel")
        assert len({row["person_id"] for row in found["people"]}) == 2
        assert all(row["rotation_today"] for row in found["people"])
        assert (await call("find_person", name="Zzz"))["people"] == []
        assert call.text == "Nobody has such a name."


async def test_shifts_are_shown_with_ids_of_everybody_or_of_one_person(made_year: Path) -> None:
    async with caller(made_year, TODAY) as call:
        week = {"start_date": "2026-11-30", "end_date": "2026-12-06"}
        everybody = await call("show_schedule", **week)
        one = everybody["shifts"][0]["person_id"]
        mine = await call("show_schedule", person_id=one, **week)
        assert {row["person_id"] for row in mine["shifts"]} == {one}
        assert 0 < len(mine["shifts"]) < len(everybody["shifts"])
        assert call.meta["xswarm/artifact"]["type"] == "schedule"
        assert (await call("show_schedule", person_id="x", **week))["status"] == "refused"


async def test_bad_dates_and_schedules_are_refused_with_a_remedy(made_year: Path) -> None:
    async with caller(made_year, TODAY) as call:
        for arguments in ({"schedule_id": "other"}, {"schedule_id": "main", "start_date": "soon"}):
            found = await call("validate_schedule", **arguments)
            assert found["status"] == "refused"
            assert found["remedy"]
