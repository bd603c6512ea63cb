"""How a tool call is shown to people."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from supervisor.permissions.tools import EXPLANATIONS, PATH_KEYS, SEARCHES
from supervisor.protocol.conversation import ToolCall

SUBJECT_KEYS = ("pattern", "url", "query")
"""Input keys, besides paths and commands, that say what a tool works on."""

SUMMARY_CHARACTERS = 80
"""The longest summary of a call."""

SHOWN_CHARACTERS = 240
"""How much of a call its line in a list shows; the line says how many characters it leaves out."""

FIELD_CHARACTERS = 80
"""The longest input that is shown on the line of its name."""

INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters that Unicode calls printable and that show nothing: fillers, joiners, blanks, variation selectors."""


def headline(call: ToolCall) -> str:
    """Return the tool and what it works on: a command with its lines, everything else in one line.

    Invisible characters are escaped, here and in all other functions of this module.
    """
    subject, _ = _subject(call)
    return f"{one_line(call.name)} {subject}" if subject else one_line(call.name)


def whole(call: ToolCall) -> str:
    """Return a complete tool call for the person who decides about it: its headline, then every other input.

    An explanation of the model is left out: it does not change what the call does.
    """
    _, named = _subject(call)
    left_out = {*named, *EXPLANATIONS.get(call.name, ())}
    return "\n".join([headline(call), *(_field(*item) for item in call.input.items() if item[0] not in left_out)])


def shown(call: ToolCall) -> str:
    """Return a tool call for the person who decides about it: at most 240 characters, and how many more there are."""
    text = headline(call)
    left_out = len(text) - SHOWN_CHARACTERS
    return text[:SHOWN_CHARACTERS] + (f"... ({left_out} characters more)" if left_out > 0 else "")


def summary(call: ToolCall) -> str:
    """Return a tool call in one line of at most 80 characters."""
    return brief(headline(call))


def brief(text: str) -> str:
    """Return the beginning of a call's text in one line of at most 80 characters."""
    line = text.replace("\n", "\\n")
    return line if len(line) <= SUMMARY_CHARACTERS else f"{line[: SUMMARY_CHARACTERS - 3]}..."


def one_line(text: str) -> str:
    """Return a text in one line, without characters that show nothing."""
    return visible(text).replace("\n", "\\n")


def visible(text: str) -> str:
    """Return a text in which every character that shows nothing is escaped, line ends excepted; UTF-8 can encode it."""
    return "\n".join(line if _shows_all(line) else _escaped(line) for line in text.split("\n"))


def _shows_all(line: str) -> bool:
    return line.isprintable() and not INVISIBLE.search(line)


def _escaped(line: str) -> str:
    return "".join(c if _shows_all(c) else c.encode("unicode_escape").decode() for c in line)


def _subject(call: ToolCall) -> tuple[str, Sequence[str]]:
    """Return what a call works on, and the keys of its input that say so."""
    if command := call.input.get("command"):
        return visible(str(command)), ("command",)
    pattern = SEARCHES.get(call.name) or ""
    keys = [key for key in (*PATH_KEYS, pattern) if call.input.get(key)]
    keys = keys or [key for key in SUBJECT_KEYS if call.input.get(key)][:1]
    if keys:
        return one_line(" ".join(str(call.input[key]) for key in keys)), keys
    return one_line(_json(call.input)) if call.input else "", tuple(call.input)


def _field(key: str, value: object) -> str:
    """Return one input of a call: on one line if it is short."""
    text, name = visible(value if isinstance(value, str) else _json(value)), one_line(key)
    if "\n" not in text and len(text) <= FIELD_CHARACTERS:
        return f"{name}: {text}"
    return f"{name} ({len(text)} characters):\n{text}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
