"""The answer of a server becomes a text for the model, a text for the screen, and an artifact."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.tools.people.fields import Fields
from supervisor.tools.people.people import People
from supervisor.tools.results import TOO_LARGE, output, structure
from supervisor.tools.servers.answer import Answer

FIELDS = Fields(persons=frozenset({"person_id"}), names=frozenset({"name"}))
ANN = "4f5a1c2e-0000-7000-8000-00000000a001"


@pytest.mark.parametrize(
    ("text", "structured", "found"),
    [
        ("ok", None, None),
        ("ok", {"a": 1}, {"a": 1}),
        ('{"a": 1}', None, {"a": 1}),
        (" [1, 2]", None, {"result": [1, 2]}),
        ("{not json", None, None),
        ("[" * 100_000, None, None),
        ("x", {"result": "x"}, None),
        ("x", {"result": 5}, {"result": 5}),
        ("x", [1], {"result": [1]}),
        ("5", 5, None),
    ],
)
def test_a_structured_result_is_one_that_the_server_sends_or_its_text_holds(
    text: str, structured: Any, found: Any
) -> None:
    assert structure(Answer(text=text, structured=structured)) == found


def test_a_plain_text_hides_known_people_from_the_model_only() -> None:
    people = People()
    people.learn({"person_id": ANN, "name": "Ann Lee"}, FIELDS)
    fresh, made = output(Answer(text="Ann Lee works"), "A title", FIELDS, people)
    assert fresh == []
    assert (made.text, made.shown, made.title) == ("entity-4f5a1c2e works", "Ann Lee works", "A title")


def test_a_long_text_is_cut_before_a_word_so_that_no_part_of_an_id_is_left() -> None:
    people = People()
    people.learn({"person_id": ANN}, FIELDS)
    text = "x" * (65_536 - 20) + f" {ANN} " + "y" * 100
    _, made = output(Answer(text=text), "", FIELDS, people)
    assert ANN[:12] not in made.text
    assert made.text.endswith(f"[Cut here: this is the first 65,516 bytes of {len(text):,}.]")


def test_a_result_that_is_too_large_for_an_artifact_is_told_in_part() -> None:
    rows = [{"person_id": ANN, "text": "z" * 100} for _ in range(12_000)]
    fresh, made = output(Answer(text="", structured={"rows": rows}), "", FIELDS, People())
    assert len(fresh) == 1
    assert made.structured is None
    assert made.shown == TOO_LARGE
    assert len(made.text) < 20_000
    assert ANN not in made.text


def test_the_artifact_has_the_title_and_the_kind_that_the_server_says_or_the_title_of_the_tool() -> None:
    said = Answer(text="", structured={"a": 1}, title="Compliance, next week", kind="analysis")
    for answer, title, kind in (
        (said, "Compliance, next week", "analysis"),
        (Answer(text="", structured={"a": 1}), "T", ""),
    ):
        _, made = output(answer, "T", FIELDS, People())
        assert (made.title, made.kind) == (title, kind)
