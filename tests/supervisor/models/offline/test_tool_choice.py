"""The offline model chooses among tools that it has never heard of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from supervisor.models.offline.reply import ToolUse
from supervisor.models.offline.tool_choice import best, explicit, next_step
from supervisor.models.offline.transcript import OfferedTool, read_transcript


def tool(name: str, description: str, required: str = "", /, **properties: Mapping[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": required.split()}
    return {"name": name, "description": description, "input_schema": schema}


DATE = {"type": "string", "format": "date"}
TOOLS = [
    tool(
        "rota__validate_schedule",
        "Checks the schedule for compliance with the work hour rules; lists each violation.",
        "schedule_id",
        schedule_id={"type": "string", "default": "current"},
        start_date=DATE,
        end_date=DATE,
    ),
    tool(
        "rota__analyze_swap_candidates",
        "Ranks people who could take over the shifts of a person.",
        "person_id max_candidates",
        person_id={"type": "string"},
        max_candidates={"type": "integer", "default": 5},
    ),
    tool(
        "rota__run_contingency_analysis",
        "Simulates absences: which slots are vulnerable.",
        "start_date end_date",
        start_date=DATE,
        end_date=DATE,
    ),
    tool("rota__detect_conflicts", "Finds double bookings.", "start_date end_date", start_date=DATE, end_date=DATE),
    tool("rota__health_check", "Checks that the server works."),
    tool("rota__find_person", "Finds a person by name.", "name", name={"type": "string"}),
    tool(
        "rota__explain_violation",
        "Says why something is a violation.",
        "violation_id",
        violation_id={"type": "string", "description": "from validate_schedule, such as v-1"},
    ),
    tool("rota__execute_swap", "Carries out a swap.", "swap_id", swap_id={"type": "string"}),
    tool("rota__list_edits", "Lists who changed the schedule, and when."),
    tool(
        "rota__show_rotation",
        "Shows what a rotation would be; the schedule changes not.",
        "rotation_id",
        rotation_id={},
    ),
    tool(
        "rota__write_rotation",
        "Make a rotation that show_rotation has shown.",
        "rotation_id version",
        rotation_id={},
        version={"type": "integer"},
    ),
]


def offered() -> tuple[OfferedTool, ...]:
    return read_transcript({"messages": [{"role": "user", "content": "x"}], "tools": TOOLS}).offered


def step(*messages: object) -> ToolUse | str | None:
    turns = [{"role": ("user", "assistant")[number % 2], "content": each} for number, each in enumerate(messages)]
    return next_step(read_transcript({"messages": turns, "tools": TOOLS}))


def called(name: str, /, **given: Any) -> list[dict[str, Any]]:
    return [{"type": "tool_use", "id": "t1", "name": name, "input": given}]


def answered(result: str, *, failed: bool = False) -> list[dict[str, Any]]:
    return [{"type": "tool_result", "tool_use_id": "t1", "content": result, "is_error": failed}]


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("Check compliance for next month", "rota__validate_schedule"),
        ("Find swap candidates for Dr. Ada Lovelace", "rota__analyze_swap_candidates"),
        ("Show vulnerable slots this week", "rota__run_contingency_analysis"),
        ("Are there any conflicts?", "rota__detect_conflicts"),
        ("Why is that a violation?", "rota__explain_violation"),
        ("Summarize the compliance status", "rota__validate_schedule"),
        ("Is the server in good health?", "rota__health_check"),
        ("Who changed the schedule this week?", "rota__list_edits"),
        ("Make that rotation", "rota__write_rotation"),
    ],
)
def test_a_prompt_is_matched_with_names_and_descriptions(prompt: str, name: str) -> None:
    found = best(prompt, offered())
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("prompt", ["hello", "What can you do?", "Thank you!"])
def test_a_prompt_that_fits_no_tool_calls_none(prompt: str) -> None:
    assert best(prompt, offered()) is None
    assert step(prompt) is None


def test_an_instruction_names_the_tool_and_its_input() -> None:
    found = explicit('Please call the tool rota__execute_swap with {"swap_id": "s-1"} now.')
    assert found is not None
    assert (found.name, found.input) == ("rota__execute_swap", {"swap_id": "s-1"})
    assert explicit("call me {maybe}") is None


def test_dates_are_filled_from_the_words_of_the_prompt() -> None:
    found = step("Are there any conflicts from 2026-12-01 to 2026-12-24?")
    assert isinstance(found, ToolUse)
    assert found.input == {"start_date": "2026-12-01", "end_date": "2026-12-24"}


def test_a_reference_that_is_missing_is_asked_for_first() -> None:
    prompt = "Find swap candidates for Dr. Ada Lovelace"
    first = step(prompt)
    assert isinstance(first, ToolUse)
    assert (first.name, first.input) == ("rota__find_person", {"name": "Ada Lovelace"})
    result = json.dumps({"people": [{"person_id": "entity-4f5a1c2e", "role": "resident"}]})
    second = step(prompt, called("rota__find_person", name="Ada Lovelace"), answered(result))
    assert isinstance(second, ToolUse)
    assert second.name == "rota__analyze_swap_candidates"
    assert second.input == {"person_id": "entity-4f5a1c2e", "max_candidates": 5}


def test_a_person_whom_the_prompt_names_is_looked_up_also_after_answers_about_others() -> None:
    earlier = json.dumps({"violations": [{"person_id": "entity-0a0a0a0a"}], "schedule_id": "current"})
    history = ("Check compliance", called("rota__validate_schedule"), answered(earlier), "Not compliant.")
    prompt = "Find swap candidates for Dr. Smith"
    first = step(*history, prompt)
    assert isinstance(first, ToolUse)
    assert (first.name, first.input) == ("rota__find_person", {"name": "Smith"})
    found = json.dumps({"people": [{"person_id": "entity-4f5a1c2e"}]})
    second = step(*history, prompt, called("rota__find_person", name="Smith"), answered(found))
    assert isinstance(second, ToolUse)
    assert second.input == {"person_id": "entity-4f5a1c2e", "max_candidates": 5}
    nobody = step(*history, prompt, called("rota__find_person", name="Smith"), answered('{"people": []}'))
    assert nobody == "To call rota__analyze_swap_candidates I need to know: person_id."
    third = step(*history, "Find swap candidates")
    assert isinstance(third, ToolUse)
    assert third.input["person_id"] == "entity-0a0a0a0a", "without a name the last person is meant"


def test_what_a_tool_would_do_is_shown_before_it_is_called() -> None:
    known = answered('{"rotation_id": "r-1", "version": 3}')
    earlier = ("Is the server in good health?", called("rota__health_check"), known, "It is.")
    shown = ("rota__show_rotation", {"rotation_id": "r-1"})
    written = ("rota__write_rotation", {"rotation_id": "r-1", "version": 4})
    preview = (called(shown[0], **shown[1]), answered('{"others": [{"rotation_id": "r-9"}], "version": 4}'))
    failed = (preview[0], answered("no", failed=True))

    def next_call(*messages: object) -> tuple[str, Mapping[str, Any]]:
        found = step(*earlier, *messages)
        assert isinstance(found, ToolUse)
        return found.name, found.input

    assert next_call("Make that rotation") == shown
    assert next_call("Make that rotation", *preview) == written
    assert next_call("Show the rotation", *preview, "So it would be.", "Make that rotation") == written
    assert next_call("Show the rotation", *failed, "No.", "Make that rotation") == shown


def test_what_is_not_known_and_cannot_be_asked_for_is_said() -> None:
    assert step("Please execute the swap") == "To call rota__execute_swap I need to know: swap_id."


def test_a_result_is_summed_up() -> None:
    result = json.dumps({"schedule_id": "current", "violations": [{"rule": number} for number in range(9)]})
    said = step("Check compliance", called("rota__validate_schedule", schedule_id="current"), answered(result))
    assert isinstance(said, str)
    assert "- violations: 9" in said
    assert '{"rule": 2}' in said
    assert '{"rule": 3}' not in said


def test_a_long_row_is_cut_before_a_word() -> None:
    for length in range(140, 190):
        result = json.dumps(
            {"rows": [{"note": ("xxx " * 60)[:length], "person_id": "entity-4f5a1c2e", "more": "y" * 50}]}
        )
        said = step("Check compliance", called("rota__validate_schedule", schedule_id="current"), answered(result))
        assert isinstance(said, str)
        row = next(line for line in said.split("\n") if "xxx" in line)
        assert "ent" not in row or '"entity-4f5a1c2e"' in row


def test_a_failure_is_said() -> None:
    said = step("Check compliance", called("rota__validate_schedule"), answered("denied", failed=True))
    assert said == "I could not do that. The tool rota__validate_schedule said: denied"


def test_the_tool_that_an_input_names_is_called_first() -> None:
    first = step("Why is that a violation?")
    assert isinstance(first, ToolUse)
    assert first.name == "rota__validate_schedule"
    result = json.dumps({"violations": [{"violation_id": "v-0123"}]})
    second = step("Why is that a violation?", called("rota__validate_schedule"), answered(result))
    assert isinstance(second, ToolUse)
    assert (second.name, second.input) == ("rota__explain_violation", {"violation_id": "v-0123"})
