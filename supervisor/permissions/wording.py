"""How a tool call is shown to people."""

from __future__ import annotations

import json
import re

from supervisor.permissions.tools import SEARCHES, named_paths
from supervisor.protocol.conversation import ToolCall
from supervisor.protocol.messages import well_formed

SUBJECT_KEYS = ("pattern", "url", "query")
"""Input keys, besides paths and commands, that say what a tool works on."""

SUMMARY_CHARACTERS = 80
"""The longest summary of a call."""

SHOWN_CHARACTERS = 240
"""How much of a call a question shows; the question says how many characters it leaves out."""

INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters that Unicode calls printable and that show nothing: fillers, joiners, blanks, variation selectors."""


def whole(call: ToolCall) -> str:
    """Return a complete tool call for a person: the tool and what it works on. Invisible characters are escaped."""
    files = filter(None, [*named_paths(call.input), call.input.get(SEARCHES.get(call.name) or "")])
    subjects = [call.input.get("command"), " ".join(map(str, files)), *(call.input.get(key) for key in SUBJECT_KEYS)]
    detail = next(filter(None, subjects), None) or (json.dumps(call.input, ensure_ascii=False) if call.input else "")
    return well_formed(f"{call.name} {visible(str(detail))}".strip())


def shown(call: ToolCall) -> str:
    """Return a tool call for the person who decides about it: at most 240 characters, and how many more there are."""
    text = whole(call)
    left_out = len(text) - SHOWN_CHARACTERS
    return text[:SHOWN_CHARACTERS] + (f"... ({left_out} characters more)" if left_out > 0 else "")


def summary(call: ToolCall) -> str:
    """Return a tool call in one line of at most 80 characters."""
    return brief(whole(call))


def brief(text: str) -> str:
    """Return the beginning of a call's text in one line of at most 80 characters."""
    line = text.replace("\n", "\\n")
    return line if len(line) <= SUMMARY_CHARACTERS else f"{line[: SUMMARY_CHARACTERS - 3]}..."


def visible(text: str) -> str:
    """Return a text in which every character that shows nothing is escaped, line ends excepted."""
    return "".join(
        c if c == "\n" or (c.isprintable() and not INVISIBLE.match(c)) else c.encode("unicode_escape").decode()
        for c in text
    )
