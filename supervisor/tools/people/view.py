"""A result as one kind of reader may see it: what is about people is shown in another way. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from supervisor.tools.people.fields import Fields, Json, PersonId, owner, single_id


class View(Protocol):
    """How a kind of reader sees people."""

    def person(self, person: PersonId) -> str:
        """Return what stands in the place of an id."""

    def name(self, value: Json, person: PersonId | None) -> Json:
        """Return what stands in the place of a name, or of whatever else a field with names holds.

        Args:
            person: whose it is; None = it cannot be told.
        """

    def text(self, text: str) -> str:
        """Return what stands in the place of any other text."""


def seen(value: Json, fields: Fields, view: View, parent: str = "") -> Json:
    """Return a result, or a part of it, in a view.

    Args:
        parent: the name of the field that holds the value; empty = none.
    """
    if isinstance(value, str):
        return view.text(value)
    if isinstance(value, Mapping):
        return _object(value, fields, view, parent)
    if isinstance(value, list | tuple):
        return [seen(item, fields, view, parent) for item in value]
    return value


def _object(value: Mapping[str, Json], fields: Fields, view: View, parent: str) -> Json:
    beside = {name: item for name, item in value.items() if fields.is_person(parent, name) and single_id(item)}
    shown: dict[str, Json] = {}
    for name, item in value.items():
        if fields.is_name(parent, name):
            changed = item if item in (None, "", [], {}) else view.name(item, owner(name, beside))
        elif fields.is_person(parent, name):
            changed = _persons(item, fields, view, name)
        else:
            changed = seen(item, fields, view, name)
        shown[view.text(name)] = changed
    return shown


def _persons(value: Json, fields: Fields, view: View, name: str) -> Json:
    """Return the value of a field with ids in a view; what stands there and is no id is shown like all else."""
    if single_id(value):
        return view.person(value)
    if isinstance(value, Mapping):
        return {view.person(key) if key else key: seen(item, fields, view, name) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = (seen(item, fields, view, name) if isinstance(item, Mapping) else None for item in value)
        return [
            shown if isinstance(item, Mapping) else _persons(item, fields, view, name)
            for item, shown in zip(value, items, strict=True)
        ]
    return value
