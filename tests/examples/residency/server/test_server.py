"""The tools as a client sees them: names, inputs, and which of them only read."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tests.examples.residency.server.calling import caller
from tests.examples.residency.server.conftest import TODAY
from tests.packaging.project import ROOT

INPUTS = {
    "validate_schedule": ({"schedule_id"}, {"start_date", "end_date"}),
    "analyze_swap_candidates": ({"person_id"}, {"max_candidates"}),
    "run_contingency_analysis": (set(), {"start_date", "end_date"}),
    "detect_conflicts": (set(), {"start_date", "end_date"}),
    "health_check": (set(), set()),
    "find_person": ({"name"}, set()),
    "explain_violation": ({"violation_id"}, set()),
    "show_schedule": ({"start_date", "end_date"}, {"person_id"}),
    "list_changes": (set(), {"after_version"}),
    "preview_swap": ({"person_id", "shift_id", "with_person_id"}, {"with_shift_id"}),
    "execute_swap": ({"person_id", "shift_id", "with_person_id", "schedule_version"}, {"with_shift_id"}),
    "preview_changes": ({"changes"}, set()),
    "apply_changes": ({"changes", "schedule_version"}, set()),
    "preview_rollback": ({"change_id"}, set()),
    "rollback_change": ({"change_id", "schedule_version"}, set()),
}
WRITE = {"execute_swap", "apply_changes", "rollback_change"}
WITH_SOLVER = {"preview_generation", "show_plan", "generate_schedule"}


async def test_tools_and_their_inputs_are_those_of_the_guide(made_year: Path) -> None:
    async with caller(made_year, TODAY) as call:
        tools = {tool.name: tool for tool in (await call.client.list_tools()).tools if tool.name not in WITH_SOLVER}
    assert set(tools) == set(INPUTS)
    for name, (required, optional) in INPUTS.items():
        schema = tools[name].input_schema
        assert set(schema.get("required", ())) == required, name
        assert set(schema.get("properties", {})) == required | optional, name
        assert tools[name].description
        annotations = tools[name].annotations
        assert annotations is not None
        assert annotations.read_only_hint is (name not in WRITE)


def test_each_change_is_asked_about_with_its_preview() -> None:
    config = tomllib.loads((ROOT / "examples/residency/config.toml").read_text(encoding="utf-8"))["mcp"]["residency"]
    assert set(config["previews"]) == WRITE | {"generate_schedule"}
    assert set(config["previews"].values()) <= set(config["read_only"])


async def test_arguments_of_the_wrong_type_are_an_error_of_the_call(made_year: Path) -> None:
    async with caller(made_year, TODAY) as call:
        result = await call.client.call_tool("analyze_swap_candidates", {"person_id": "x", "max_candidates": 0})
        assert result.is_error
