"""The store's statements as PostgreSQL reads them: numbered placeholders, no hints for SQLite. Each is made once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

_TOKEN = re.compile(
    r"""
      '(?:[^']|'')*'                          # a text
    | "(?:[^"]|"")*"                          # a name in quotes
    | --[^\n]*                                # a comment
    | ::\w+                                   # a cast, which is no parameter
    | (?P<hint>\bINDEXED\ BY\ \w+)
    | (?P<join>\bCROSS\ JOIN\b)               # always with a condition: a hint about the order
    | \?(?P<number>\d*)
    | :(?P<name>[a-z_]\w*)
    """,
    re.VERBOSE | re.IGNORECASE,
)


class Statement(NamedTuple):
    """A statement with the placeholders $1, $2 and so on.

    Attributes:
        names: of its parameters, in the order of their numbers; None = they are given by position.
    """

    text: str
    names: tuple[str, ...] | None

    def values(self, parameters: Sequence[Any] | Mapping[str, Any]) -> Sequence[Any]:
        """Return the values of the placeholders."""
        if isinstance(parameters, Mapping):
            return [parameters[name] for name in self.names or ()]
        return parameters


@cache
def translated(sql: str) -> Statement:
    """Return a statement of the store for PostgreSQL."""
    names: dict[str, int] = {}
    positions = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal positions
        if match["hint"]:
            return ""
        if match["join"]:
            return "JOIN"
        if match["name"]:
            return f"${names.setdefault(match['name'], len(names) + 1)}"
        if match["number"] is None:
            return match[0]
        if match["number"]:
            return f"${match['number']}"
        positions += 1
        return f"${positions}"

    text = _TOKEN.sub(replace, sql)
    return Statement(text, tuple(names) or None)
