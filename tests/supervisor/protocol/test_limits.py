"""Bounds on the fields of wire messages, as pydantic enforces them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from supervisor.protocol.limits import Between, Bound, Length, Pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounded:
    name: Annotated[str, Length(2, 4)] = "ab"
    names: Annotated[list[Annotated[str, Length(1, 3)]], Length(0, 2)] | None = None
    code: Annotated[str, Pattern(r"^[A-Z]+$")] = "A"
    count: Annotated[int, Between(1, 500)] = 1
    maybe: Annotated[str, Length(1, 3)] | None = None
    either: Annotated[str | None, Length(1, 3)] = None
    row: Annotated[tuple[str, ...], Length(0, 2)] = ()


ADAPTER = TypeAdapter(Bounded)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "ab"},
        {"name": "abcd"},
        {"name": "éé"},
        {"names": []},
        {"names": ["a", "abc"]},
        {"names": None},
        {"code": "ABC"},
        {"count": 1},
        {"count": 500},
        {"maybe": None},
        {"maybe": "abc"},
        {"either": None},
        {"either": "abc"},
        {"row": ("a", "b")},
    ],
)
def test_both_ends_of_a_bound_are_inside(fields: dict[str, Any]) -> None:
    assert ADAPTER.validate_python(fields) == Bounded(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "a"},
        {"name": "abcde"},
        {"names": ["a", "b", "c"]},
        {"names": [""]},
        {"names": ["abcd"]},
        {"code": ""},
        {"code": "Abc"},
        {"code": "A\n"},
        {"count": 0},
        {"count": 501},
        {"maybe": ""},
        {"maybe": "abcd"},
        {"either": ""},
        {"either": "abcd"},
        {"row": ("a", "b", "c")},
    ],
)
def test_a_value_outside_a_bound_names_its_field(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python(fields)
    assert {error["loc"][0] for error in caught.value.errors()} == set(fields)


def test_the_bounds_stand_in_the_json_schema() -> None:
    properties = ADAPTER.json_schema()["properties"]
    assert (properties["name"]["minLength"], properties["name"]["maxLength"]) == (2, 4)
    assert properties["code"]["pattern"] == "^[A-Z]+$"
    assert (properties["count"]["minimum"], properties["count"]["maximum"]) == (1, 500)


def test_a_bound_without_keys_is_an_error() -> None:
    with pytest.raises(AssertionError, match="every bound has keys"):
        Bound().keys()


def test_a_bound_that_would_be_ignored_is_refused() -> None:
    with pytest.raises(TypeError, match="takes no bound"):
        TypeAdapter(Annotated[Sequence[str], Length(0, 2)])
