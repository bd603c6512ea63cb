"""The decorator of values with many fields."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, dataclass, field, replace

import pytest

from supervisor.protocol.values.record import field_names, record, values_of


@record
class Point:
    """A value."""

    x: int
    y: int = 0


@record
class Named(Point):
    """A value with a field that is no part of it, and one that nobody may see."""

    token: str = field(repr=False)
    note: str = field(default="", compare=False)


@record
class Nothing:
    """A value without fields."""


@record
class Shouted:
    """A value that compares as it likes."""

    text: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shouted) and other.text.upper() == self.text.upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenPoint:
    """The same as a frozen dataclass."""

    x: int
    y: int = 0


def test_it_is_made_compared_hashed_and_copied_as_a_frozen_dataclass() -> None:
    point = Point(x=1)
    assert (point, hash(point)) == (Point(x=1, y=0), hash(FrozenPoint(x=1)))
    assert replace(point, y=2) == Point(x=1, y=2) != point
    assert repr(point) == repr(FrozenPoint(x=1)).replace("Frozen", "")


def test_its_fields_are_given_by_name_and_it_has_no_others() -> None:
    with pytest.raises(TypeError):
        Point(1)  # type: ignore[call-arg]
    assert not hasattr(Point(x=1), "__dict__")


def test_the_type_checker_refuses_an_assignment_and_only_it() -> None:
    point = Point(x=1)
    point.x = 2  # type: ignore[misc]
    assert point.x == 2
    with pytest.raises(FrozenInstanceError):
        FrozenPoint(x=1).x = 2  # type: ignore[misc]


def test_a_derived_class_compares_and_shows_its_own_fields() -> None:
    named = Named(x=1, token="secret", note="a")
    assert named == Named(x=1, token="secret", note="b") != Named(x=1, token="other", note="a")
    assert hash(named) == hash(Named(x=1, token="secret"))
    assert repr(named) == "Named(x=1, y=0, note='a')"
    assert {named, Point(x=1)} == {Point(x=1), named} != {named}
    assert field_names(Named) == ("x", "y", "token", "note")
    assert values_of(named) == {"x": 1, "y": 0, "token": "secret", "note": "a"}


def test_a_class_without_fields_is_a_value_too() -> None:
    assert (Nothing(), {Nothing()}, repr(Nothing())) == (Nothing(), {Nothing()}, "Nothing()")


def test_a_comparison_of_its_own_stays() -> None:
    assert Shouted(text="a") == Shouted(text="A") != Shouted(text="b")


def test_it_can_be_copied_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(Named(x=1, token="secret"))) == Named(x=1, token="secret")
