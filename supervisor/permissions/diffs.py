"""What an edit changes, line by line, for the person who decides about it. Linear in the length of the texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from supervisor.permissions.wording import visible
from supervisor.protocol.conversation import ToolCall

CONTEXT = 3
"""Unchanged lines that are shown around a change."""


def edit_diff(call: ToolCall) -> str:
    """Return what an `Edit` or `MultiEdit` replaces; empty = the call is neither, or its input has another form."""
    edits: object = [call.input] if call.name == "Edit" else call.input.get("edits") if call.name == "MultiEdit" else ()
    if not isinstance(edits, list) or not edits or not all(map(_is_replacement, edits)):
        return ""
    return "\n".join(map(_replacement, edits))


def text_diff(before: str, after: str) -> str:
    """Return the difference between two texts as one hunk of a unified diff; empty = they are the same.

    Invisible characters are escaped. The hunk reaches from the first line that differs to the last one.
    """
    old, new = before.split("\n"), after.split("\n")
    if old == new:
        return ""
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    above, below = old[max(0, start - CONTEXT) : start], old[len(old) - end :][:CONTEXT]
    removed, added = old[start : len(old) - end], new[start : len(new) - end]
    first, around = start - len(above) + 1, len(above) + len(below)
    head = f"@@ -{first},{len(removed) + around} +{first},{len(added) + around} @@"
    return "\n".join([head, *_marked(" ", above), *_marked("-", removed), *_marked("+", added), *_marked(" ", below)])


def _is_replacement(edit: object) -> bool:
    return isinstance(edit, Mapping) and all(isinstance(edit.get(key), str) for key in ("old_string", "new_string"))


def _replacement(edit: Mapping[str, Any]) -> str:
    diff = text_diff(edit["old_string"], edit["new_string"])
    _, _, lines = diff.partition("\n")
    return f"@@ {'everywhere' if edit.get('replace_all') else 'in one place'} @@\n{lines}"


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return with how many equal lines two texts begin."""
    pairs = zip(one, other, strict=False)
    return next((number for number, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _marked(mark: str, lines: Sequence[str]) -> Sequence[str]:
    return [f"{mark}{visible(line)}" for line in lines]
