"""Removes control characters and escape sequences from text that goes to a terminal."""

from __future__ import annotations

import re

_SEQUENCES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\)"  # OSC, DCS, SOS, PM, APC: titles, clipboard, links
    r"|\x1b[ -/]*[0-~]",  # two characters
    re.DOTALL,
)
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # all but tab and line feed; direction marks
)


def plain(text: str) -> str:
    """Return a text of a model or a stranger without control characters, escape sequences and lone surrogates."""
    visible = _CONTROLS.sub("", _SEQUENCES.sub("", text))
    return visible.encode("utf-8", "replace").decode("utf-8")
