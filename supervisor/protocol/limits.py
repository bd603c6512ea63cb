"""Bounds of the fields of wire messages. They stand in `typing.Annotated` beside the field; the wires enforce them.

`Shaped` and `OneOf` only stand in the schemas: the code behind the wire checks or makes these fields. pydantic finds
the schema hooks by their names, so this file does not import pydantic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

BOUNDED = frozenset({"str", "int", "list", "tuple"})
"""The types of pydantic's core schemas that obey a bound."""


class Bound:
    """Base class: adds its keys to pydantic's core schema of the field."""

    __slots__ = ()

    def keys(self) -> dict[str, Any]:
        """Return the keys for the core schema."""
        raise AssertionError("every bound has keys")

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return self._bounded(handler(source))

    def _bounded(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return a schema with the bound; of a field that may be null, the value has it.

        Raises:
            TypeError: pydantic would ignore the bound there, as on `Sequence`; a list or a tuple has it.
        """
        if schema["type"] == "nullable":
            return {**schema, "schema": self._bounded(schema["schema"])}
        if schema["type"] not in BOUNDED:
            raise TypeError(f"a field of type {schema['type']!r} takes no bound")
        return {**schema, **self.keys()}


@dataclass(frozen=True, slots=True)
class Length(Bound):
    """The number of characters of a string, or of items of a list; both ends are included."""

    least: int
    most: int

    def keys(self) -> dict[str, Any]:
        return {"min_length": self.least, "max_length": self.most}


@dataclass(frozen=True, slots=True)
class Pattern(Bound):
    """A regular expression that the string must match."""

    expression: str

    def keys(self) -> dict[str, Any]:
        return {"pattern": self.expression}


@dataclass(frozen=True, slots=True)
class Between(Bound):
    """The range of a whole number; both ends are included."""

    least: int
    most: int

    def keys(self) -> dict[str, Any]:
        return {"ge": self.least, "le": self.most}


class Shown:
    """Base class: adds its keys to the JSON schema of the field, and checks nothing."""

    __slots__ = ()

    def keys(self) -> dict[str, Any]:
        """Return the keys for the JSON schema."""
        raise AssertionError("everything shown has keys")

    def __get_pydantic_json_schema__(self, source: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        shown = handler(source)
        # The keys are about the text; an optional field is null or such a text.
        texts = [choice for choice in shown.get("anyOf", [shown]) if choice.get("type") == "string"]
        for text in texts:
            text.update(self.keys())
        return shown


@dataclass(frozen=True, slots=True)
class Shaped(Shown):
    """A regular expression that a string of a request must match; the operation checks it, and says more than "no"."""

    expression: str

    def keys(self) -> dict[str, Any]:
        return {"pattern": self.expression}


@dataclass(frozen=True, slots=True)
class OneOf(Shown):
    """The words of which a string that we send is one."""

    words: tuple[str, ...]

    def keys(self) -> dict[str, Any]:
        return {"enum": [str(word) for word in self.words]}
