"""The questions of the guide can be answered by the tools that judge."""

from __future__ import annotations

import json
from pathlib import Path

from examples.residency.rules.table import RuleId
from tests.examples.residency.server.calling import caller
from tests.examples.residency.server.conftest import TODAY

DECEMBER = {"start_date": "2026-12-01", "end_date": "2026-12-31"}
THIS_WEEK = {"start_date": "2026-11-30", "end_date": "2026-12-06"}


async def test_check_compliance_for_next_month_and_summarize_it(made_year: Path) -> None:
    async with caller(made_year, TODAY) as call:
        found = await call("validate_schedule", schedule_id="main", **DECEMBER)
        assert found["compliant"] is False
        assert found["counts"]["violation"] == sum(row["violation"] for row in found["by_rule"]) > 0
        assert {row["rule"] for row in found["by_rule"]} == set(RuleId)
        assert found["most_violations"][0]["violations"] >= 1
        assert call.text.startswith("Not compliant, 2026-12-01 to 2026-12-31")
        assert call.meta["xswarm/artifact"]["type"] == "analysis"
        assert all(row["severity"] == "violation" for row in found["violations"][: found["counts"]["violation"]])
        whole = await call("validate_schedule", schedule_id="current")
        assert len(whole["violations"]) > len(found["violations"])


async def test_why_is_that_a_violation(made_year: Path) -> None:
    async with caller(made_year, TODAY) as call:
        found = await call("validate_schedule", schedule_id="main", **DECEMBER)
        for row in found["violations"]:
            why = await call("explain_violation", violation_id=row["violation_id"])
            assert why["sentence"] == row["sentence"]
            assert why["explanation"]["section"] == row["section"]
            assert why["explanation"]["note"] == "check against the current text"
            assert why["parts"]
        unknown = await call("explain_violation", violation_id="v-nothing")
        assert (unknown["status"], unknown["reason"]) == ("refused", "unknown_violation")


async def test_show_vulnerable_slots_this_week(made_year: Path) -> None:
    async with caller(made_year, TODAY) as call:
        found = await call("run_contingency_analysis", **THIS_WEEK)
        assert found["counts"]["critical"] > 0
        first = found["vulnerable_slots"][0]
        assert first["standing"] == "critical"
        assert first["backups"] == []
        assert first["obstacles"]
        assert 0 < found["n2"]["short"] < found["n2"]["pairs"]
        much = await call("run_contingency_analysis", start_date="2026-08-01", end_date="2027-01-01")
        assert much["reason"] == "too_many_days"


async def test_are_there_any_conflicts(made_year: Path) -> None:
    async with caller(made_year, TODAY) as call:
        found = await call("detect_conflicts", **DECEMBER)
        assert found["count"] == len(found["conflicts"]) > 3
        assert all(row["resolutions"] or row["no_resolution_because"] for row in found["conflicts"])
        soon = await call("detect_conflicts")
        assert (soon["start_date"], soon["end_date"]) == ("2026-11-30", "2026-12-27")
        assert (await call("detect_conflicts", start_date="soon"))["reason"] == "bad_dates"


async def test_every_resolution_can_be_previewed_as_it_stands(year: Path) -> None:
    async with caller(year, TODAY) as call:
        found = await call("detect_conflicts", **DECEMBER)
        for conflict in found["conflicts"]:
            for way in conflict["resolutions"][:1]:
                shown = await call("preview_changes", changes=[way])
                assert shown["status"] == "preview", (way, shown)
                assert not shown["effects"]["breaks_a_must"]


async def test_find_swap_candidates_for_dr_smith(made_year: Path) -> None:
    async with caller(made_year, TODAY) as call:
        people = await call("find_person", name="Dr. Smith")
        (smith,) = people["people"]
        found = await call("analyze_swap_candidates", person_id=smith["person_id"], max_candidates=3)
        assert found["feasible"]
        assert [row["rank"] for row in found["candidates"]] == [1, 2, 3]
        assert any("mends" in reason for reason in found["candidates"][0]["reasons"])
        assert not any(row["breaks_a_must"] for row in found["candidates"])
        nobody = await call("analyze_swap_candidates", person_id="entity-x", max_candidates=3)
        assert nobody["status"] == "refused"


async def test_no_text_of_an_answer_has_a_name_and_every_name_stands_beside_its_id(made_year: Path) -> None:
    async with caller(made_year, TODAY) as call:
        people = await call("find_person", name="Dr. Smith")
        person = people["people"][0]["person_id"]
        names = {"Smith", "Patel", "Almeida", "Tanaka"}
        for tool, arguments in (
            ("validate_schedule", {"schedule_id": "main"}),
            ("detect_conflicts", DECEMBER),
            ("run_contingency_analysis", THIS_WEEK),
            ("analyze_swap_candidates", {"person_id": person, "max_candidates": 5}),
            ("show_schedule", THIS_WEEK),
        ):
            found = await call(tool, **arguments)
            assert not any(name in call.text for name in names)
            without = json.dumps(_without_names(found))
            assert not any(name in without for name in names), tool


def _without_names(value: object) -> object:
    if isinstance(value, dict):
        for key in value:
            if key.endswith("person_name"):
                assert key.replace("_name", "_id") in value
        return {key: _without_names(item) for key, item in value.items() if not key.endswith("person_name")}
    if isinstance(value, list):
        return [_without_names(item) for item in value]
    return value
