"""The people in a result are found by the names of fields."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.tools.people.fields import Fields, find, owner

FIELDS = Fields(persons=frozenset({"person_id", "team", "who.id"}), names=frozenset({"name", "who.label"}))


@pytest.mark.parametrize(
    ("value", "people", "nameless"),
    [
        ({"person_id": "a", "name": "Ann"}, {"a": ["Ann"]}, []),
        ([{"person_id": "a"}, {"person_id": "a", "name": "Ann"}], {"a": ["Ann"]}, []),
        ({"team": ["a", ["b", {"person_id": "c"}]]}, {"a": [], "b": [], "c": []}, []),
        ({"team": {"a": 1, "": 2, "b": {"name": "Bob"}}}, {"a": [], "b": []}, ["Bob"]),
        ({"who": {"id": 5, "label": "Eve"}, "id": 6, "label": "a ward"}, {5: ["Eve"]}, []),
        ({"name": {"first": "Ann", "last": "Lee"}}, {}, ["Ann", "Lee"]),
        ({"person_id": None, "name": " ", "team": [True, 1.5, ""]}, {}, []),
        ("person_id", {}, []),
    ],
)
def test_ids_and_names_are_found_wherever_they_stand(
    value: Any, people: dict[Any, list[str]], nameless: list[str]
) -> None:
    found = find(value, FIELDS)
    assert (found.people, found.nameless) == (people, nameless)


@pytest.mark.parametrize(
    ("name", "beside", "whose"),
    [
        ("name", {"id": "a"}, "a"),
        ("to_name", {"from_id": "a", "to_id": "b"}, "b"),
        ("name", {"from_id": "a", "to_id": "b"}, None),
        ("name", {}, None),
    ],
)
def test_a_name_belongs_to_the_id_whose_field_begins_alike(
    name: str, beside: dict[str, str], whose: str | None
) -> None:
    assert owner(name, dict(beside)) == whose


def test_a_field_for_both_counts_as_one_with_names() -> None:
    both = Fields(persons=frozenset({"who"}), names=frozenset({"who"}))
    assert both.is_name("", "who")
    assert not both.is_person("", "who")
    assert both
    assert not Fields()
