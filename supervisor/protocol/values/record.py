"""`record`: the decorator of the values that only our own code handles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def record(cls: type[T], /) -> type[T]:
    """Make a class a dataclass with slots, keyword-only, and frozen for the type checker.

    It is not frozen at run time: there `frozen=True` sets each field by a call, which takes ten times as long. What
    compares, hashes and shows values is shared by all classes: a dataclass compiles these functions for each class, at
    every start, and that takes longer than the rest of its making.
    """
    made = dataclass(slots=True, kw_only=True, eq=False, repr=False)(cls)
    names = [spec.name for spec in fields(made) if spec.compare]  # type: ignore[arg-type]  # it is a dataclass now
    values: Callable[[Any], Any] = attrgetter(*names) if names else _none

    def equal(self: T, other: object) -> bool:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: T) -> int:
        return hash(values(self))

    own = vars(made)
    for name, function in (("__eq__", equal), ("__hash__", hashed), ("__repr__", _shown)):
        if own.get(name) is None:  # a class with an `__eq__` of its own has None as its `__hash__`
            setattr(made, name, function)
    return made


def field_names(kind: type[Any]) -> tuple[str, ...]:
    """Return the names of the fields of a record, in their order."""
    return tuple(spec.name for spec in fields(kind))


def values_of(value: object) -> dict[str, Any]:
    """Return the fields of a record by name, such as the columns of its row."""
    return {name: getattr(value, name) for name in field_names(type(value))}


def _shown(self: Any) -> str:
    shown = ", ".join(f"{spec.name}={getattr(self, spec.name)!r}" for spec in fields(self) if spec.repr)
    return f"{type(self).__qualname__}({shown})"


def _none(_: object) -> tuple[()]:
    """Return the fields of a class without fields."""
    return ()
