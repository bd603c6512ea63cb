"""Results of tools as they may reach a screen and a model: without control characters, and no longer than they take.

A tool is a stranger: its text may be of any length, and hold escape codes that a terminal obeys.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

TEXT_BYTES = 65_536
"""The longest text of a result that a model and a screen get, in bytes of UTF-8."""

STRUCTURED_BYTES = 1_048_576
"""The largest structured result that becomes an artifact, in bytes of JSON."""

ROWS_BYTES = 16_384
"""The largest structured result that a model gets whole, in bytes of JSON; of a larger one it gets the first rows."""

LEAST_ROWS = 3
"""Rows of each list that a model gets in any case, where they are not too long by themselves."""

_ESCAPES = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]?"  # CSI, the last one possibly cut off
    "|\x9b[0-?]*[ -/]*[@-~]?"
    "|(?:\x1b[\\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c|\\Z)?"  # OSC, DCS, SOS, PM, APC
    "|\x1b[ -/]*[0-~]?"
)
"""Escape sequences of terminals (ECMA-48, section 5.4 and 8.3)."""

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tab and line feed, marks that turn the direction of a text, and halves of surrogate pairs."""


def plain(text: str) -> str:
    """Return a text without escape sequences and control characters; its lines end with a line feed."""
    if text.isprintable():
        return text
    text = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", text)


def readable(text: str, *, limit: int = TEXT_BYTES) -> str:
    """Return a text as `plain` does, cut at a limit in bytes of UTF-8; where it was cut, its end says so."""
    if len(text) <= limit // 4 or len(text.encode(errors="replace")) <= limit:
        return plain(text)
    total = len(text.encode(errors="replace"))
    kept = text[:limit].encode(errors="replace")[:limit].decode(errors="ignore")
    return f"{plain(kept).rstrip()}\n[Cut here: this is the first {limit:,} bytes of {total:,}.]"


def structured(value: Mapping[str, Any] | None, *, limit: int = STRUCTURED_BYTES) -> Mapping[str, Any] | None:
    """Return a structured result as `plain` texts; None = there is none, it is no JSON, or it is over the limit."""
    if value is None:
        return None
    try:
        cleaned = _plain_value(value)
        size = len(json.dumps(cleaned, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode())
    except (TypeError, ValueError, RecursionError):
        return None
    return cleaned if size <= limit and isinstance(cleaned, dict) else None


def first_rows(value: Mapping[str, Any], *, limit: int = ROWS_BYTES) -> str:
    """Return a structured result as JSON for a model: whole if it is short, else the first rows of each long list.

    A list that is shortened ends with a text that says how many rows it has.

    Raises:
        TypeError, ValueError, RecursionError: it is no JSON.
    """
    text = _dumps(value)
    most = max(LEAST_ROWS, _longest(value))
    while len(text.encode(errors="replace")) > limit and most > LEAST_ROWS:
        most = max(LEAST_ROWS, most // 2)
        text = _dumps(_shortened(value, most))
    return readable(text, limit=limit)


def _plain_value(value: Any) -> Any:
    match value:
        case str():
            return plain(value)
        case Mapping():
            return {plain(str(key)): _plain_value(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain_value(item) for item in value]
        case _:
            return value


def _longest(value: Any) -> int:
    """Return the length of the longest list in a value, at any depth."""
    if isinstance(value, Mapping):
        return max((_longest(item) for item in value.values()), default=0)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return max(len(value), max((_longest(item) for item in value), default=0))
    return 0


def _shortened(value: Any, most: int) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _shortened(item, most) for key, item in value.items()}
    if not isinstance(value, list | tuple):
        return value
    rows = [_shortened(item, most) for item in value[:most]]
    return rows if len(value) <= most else [*rows, f"[the first {most} of {len(value)} rows]"]


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
