"""Templates of sentences to people.

Each package keeps its templates in one table, a module with the name `sentences.py`. A test reads all tables: each
sentence begins with a capital, ends with a full stop, and has its plurals right. At the place of use::

    DROPPED = sentence("Dropped {dropped:queued message}. That cost {nanos:$}.")
    DROPPED(dropped=2, nanos=0)  # "Dropped 2 queued messages. That cost $0.00."
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from supervisor.protocol.text.amounts import counted, money


class Kind(StrEnum):
    """What a template makes."""

    SENTENCE = "sentence"
    """Whole sentences, as an answer to a message."""
    NOTICE = "notice"
    """Whole sentences that nobody asked for. Sent by SMS, they take at most two segments."""
    CLAUSE = "clause"
    """A part of a sentence."""
    LINE = "line"
    """A line of a list or table."""


_WHOLE = frozenset({Kind.SENTENCE, Kind.NOTICE})


class _Formatter(string.Formatter):
    """Formats numbers: `{n:message}` with a noun, `{nanos:$}` as money. Everything else is text."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "$":
            return money(value)
        return counted(value, format_spec) if format_spec else str(value)


_FORMATTER = _Formatter()


@dataclass(frozen=True, slots=True)
class Template:
    """A template; a call with its fields makes the text.

    Attributes:
        text: with a field in braces for each value.
    """

    text: str
    kind: Kind

    @property
    def fields(self) -> Mapping[str, str]:
        """The format of each field: empty, a noun, or "$"."""
        return {name: spec or "" for _, name, spec, _ in _FORMATTER.parse(self.text) if name is not None}

    def __call__(self, **values: str | int) -> str:
        """Return the text with these values.

        Raises:
            KeyError: a field has no value.
        """
        text = _FORMATTER.vformat(self.text, (), values)
        return capital(text) if self.kind in _WHOLE else text


def sentence(text: str) -> Template:
    """Return a template of whole sentences."""
    return Template(text, Kind.SENTENCE)


def notice(text: str) -> Template:
    """Return a template of whole sentences that nobody asked for."""
    return Template(text, Kind.NOTICE)


def clause(text: str) -> Template:
    """Return a template of a part of a sentence."""
    return Template(text, Kind.CLAUSE)


def line(text: str) -> Template:
    """Return a template of a line of a list."""
    return Template(text, Kind.LINE)


def as_sentences(*parts: str) -> str:
    """Return parts as sentences, each with a capital first and a full stop last; empty parts are left out.

    Errors and reasons are written as clauses, since they also stand after a colon.
    """
    return " ".join(_whole(part.strip()) for part in parts if part.strip())


def listed(items: Sequence[str], word: str = "and") -> str:
    """Return items as in a sentence: "a, b and c"."""
    return f" {word} ".join(filter(None, (", ".join(items[:-1]), items[-1]))) if items else ""


def capital(text: str) -> str:
    """Return a text with a capital first."""
    return f"{text[:1].upper()}{text[1:]}"


def _whole(part: str) -> str:
    end = "" if part[-1] in ".!?…" else "."
    return f"{capital(part)}{end}"
