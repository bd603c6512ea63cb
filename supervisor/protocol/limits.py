"""Bounds on the fields of wire messages, written beside the field and enforced at the edge.

A bound rides in `typing.Annotated`; pydantic calls its schema hook by name, so this file needs no import of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class Bound:
    """Base of the bounds: adds its own keys to pydantic's core schema of the field."""

    __slots__ = ()

    def keys(self) -> dict[str, Any]:
        """Return the keys of the core schema."""
        raise AssertionError("every bound says its keys")

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return {**handler(source), **self.keys()}


@dataclass(frozen=True, slots=True)
class Length(Bound):
    """Characters of a string, both ends included."""

    least: int
    most: int

    def keys(self) -> dict[str, Any]:
        return {"min_length": self.least, "max_length": self.most}


@dataclass(frozen=True, slots=True)
class Pattern(Bound):
    """A regular expression that the whole string matches."""

    expression: str

    def keys(self) -> dict[str, Any]:
        return {"pattern": self.expression}


@dataclass(frozen=True, slots=True)
class Between(Bound):
    """A whole number, both ends included."""

    least: int
    most: int

    def keys(self) -> dict[str, Any]:
        return {"ge": self.least, "le": self.most}
