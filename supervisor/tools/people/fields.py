"""Which fields of a result are about people, and what stands in them. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from supervisor.protocol.values.record import record

Json = Any
"""A value of JSON: None, a boolean, a number, a text, a list, or an object with texts as keys."""

PersonId = str | int
"""The id of a person, as a server writes it."""


@record
class Fields:
    """The fields of one server's results that are about people; FIELD, or PARENT.FIELD for a field inside another.

    Attributes:
        persons: their values are ids: one, a list of them, or an object with ids as its keys.
        names: their values are names of people, or other words about one person.
    """

    persons: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.persons or self.names)

    def is_person(self, parent: str, name: str) -> bool:
        """Return whether a field holds ids of people; a field that holds names as well counts as one with names."""
        return (name in self.persons or f"{parent}.{name}" in self.persons) and not self.is_name(parent, name)

    def is_name(self, parent: str, name: str) -> bool:
        """Return whether a field holds names of people."""
        return name in self.names or f"{parent}.{name}" in self.names


@dataclass(slots=True)
class Found:
    """The people in a result.

    Attributes:
        people: each id, in the order of its first place, with the names that stand beside it.
        nameless: names that stand beside no id.
    """

    people: dict[PersonId, list[str]] = field(default_factory=dict)
    nameless: list[str] = field(default_factory=list)


def find(value: Json, fields: Fields) -> Found:
    """Return the people in a result."""
    found = Found()
    _search(value, "", fields, found)
    return found


def single_id(value: Json) -> bool:
    """Return whether a value is the id of one person."""
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""


def owner(name: str, beside: Mapping[str, PersonId]) -> PersonId | None:
    """Return whose name stands in a field, by the ids beside it; None = it cannot be told.

    Of several ids it is the one whose field begins alike the longest: `to_name` goes with `to_id`, not with `from_id`.
    """
    if len(beside) == 1:
        return next(iter(beside.values()))
    ranked = sorted(beside, key=lambda other: _common(name, other), reverse=True)
    if len(ranked) < 2 or _common(name, ranked[0]) == _common(name, ranked[1]):
        return None
    return beside[ranked[0]]


def _common(one: str, other: str) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def _search(value: Json, parent: str, fields: Fields, found: Found) -> None:
    if isinstance(value, Mapping):
        _search_object(value, parent, fields, found)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            _search(item, parent, fields, found)


def _search_object(value: Mapping[str, Json], parent: str, fields: Fields, found: Found) -> None:
    beside: dict[str, PersonId] = {}
    for name, item in value.items():
        if fields.is_name(parent, name):
            continue
        if fields.is_person(parent, name):
            for person in _ids(item):
                found.people.setdefault(person, [])
            if single_id(item):
                beside[name] = item
        _search(item, name, fields, found)
    for name, item in value.items():
        if fields.is_name(parent, name):
            whose = owner(name, beside)
            names = found.nameless if whose is None else found.people[whose]
            names += [text for text in _texts(item) if text.strip() and text not in names]


def _ids(value: Json) -> Iterator[PersonId]:
    if single_id(value):
        yield value
    elif isinstance(value, Mapping):
        yield from filter(None, value)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            if not isinstance(item, Mapping):
                yield from _ids(item)


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _texts(item)
