from __future__ import annotations

import datetime

import pytest

from supervisor.models.offline.arguments import Known, fill, name_in, period_of
from supervisor.models.offline.transcript import OfferedTool

MONDAY = datetime.date(2026, 11, 30)


@pytest.mark.parametrize(
    ("prompt", "period"),
    [
        ("check next month", ("2026-12-01", "2026-12-31")),
        ("check this month", ("2026-11-01", "2026-11-30")),
        ("last month", ("2026-10-01", "2026-10-31")),
        ("slots this week", ("2026-11-30", "2026-12-06")),
        ("next week", ("2026-12-07", "2026-12-13")),
        ("tomorrow", ("2026-12-01", "2026-12-01")),
        ("on 2027-02-03", ("2027-02-03", "2027-02-03")),
        ("hello", None),
    ],
)
def test_the_words_for_a_period_are_dates(prompt: str, period: tuple[str, str] | None) -> None:
    assert period_of(prompt, MONDAY) == period


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("Find swap candidates for Dr. Ada Lovelace", "Ada Lovelace"),
        ("swaps for Dr. Lovelace on Monday", "Lovelace"),
        ('who is "ada l."?', "ada l."),
        ("nobody in particular", None),
    ],
)
def test_a_name_is_found(prompt: str, name: str | None) -> None:
    assert name_in(prompt) == name


def tool(required: str, **properties: dict[str, object]) -> OfferedTool:
    return OfferedTool(name="t", description="", properties=properties, required=frozenset(required.split()))


def test_defaults_enums_and_examples_fill_what_nothing_else_does() -> None:
    given, missing = fill(
        tool("a b c d", a={"default": 3}, b={"enum": ["x", "y"]}, c={"examples": ["e"]}, d={"type": "string"}),
        Known(prompt="", results=()),
    )
    assert given == {"a": 3, "b": "x", "c": "e"}
    assert missing == ["d"]


def test_ids_come_from_the_newest_result_or_the_prompt() -> None:
    results = ['{"schedule_id": "old"}', '{"schedules": [{"schedule_id": "new"}]}', "no JSON"]
    given, _ = fill(tool("schedule_id", schedule_id={}), Known(prompt="", results=results))
    assert given == {"schedule_id": "new"}
    cut = ['{"violations": [{"violation_id": "v-1", "rule": "fre']
    assert fill(tool("violation_id", violation_id={}), Known(prompt="", results=cut))[0] == {"violation_id": "v-1"}
    cut = ['{"version": 5}', '{"version": 6, "rule": "fre']
    assert fill(tool("version", version={}), Known(prompt="", results=cut))[0] == {"version": 6}
    given, _ = fill(tool("person_id", person_id={}), Known(prompt="for entity-4f5a1c2e", results=()))
    assert given == {"person_id": "entity-4f5a1c2e"}


def test_a_reference_in_the_prompt_goes_before_earlier_results_of_its_kind() -> None:
    results = ['{"person_id": "entity-0a0a0a0a", "schedule_id": "main"}']
    known = Known(prompt="swaps for entity-4f5a1c2e", results=results)
    given, _ = fill(tool("person_id schedule_id", person_id={}, schedule_id={}), known)
    assert given == {"person_id": "entity-4f5a1c2e", "schedule_id": "main"}


def test_an_optional_input_that_is_not_known_is_left_out() -> None:
    assert fill(tool("", start_date={"type": "string"}), Known(prompt="hello", results=())) == ({}, [])


def test_a_tool_that_needs_a_period_gets_this_month_where_the_prompt_names_none() -> None:
    given, missing = fill(
        tool("start_date end_date", start_date={}, end_date={}), Known(prompt="hello", results=()), today=MONDAY
    )
    assert given == {"start_date": "2026-11-01", "end_date": "2026-11-30"}
    assert missing == []


def test_a_value_that_the_description_explains_is_taken() -> None:
    schema: dict[str, object] = {"description": 'the schedule; "current" = the one that there is'}
    assert fill(tool("schedule_id", schedule_id=schema), Known(prompt="", results=()))[0] == {"schedule_id": "current"}
