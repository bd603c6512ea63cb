"""File patterns of searches: whether all that one matches lies inside the project."""

from __future__ import annotations

import os
import re

from supervisor.permissions.paths import is_inside
from supervisor.permissions.tools import SEARCHES
from supervisor.protocol.conversation import ToolCall

BRACES = re.compile(r"\{([^{}]*)\}")
EXTENDED = re.compile(r"[@+?*!]?\(")
MAGIC = re.compile(r"[*?\[\]{}]")

MAX_ALTERNATIVES = 256
"""Paths that one pattern with braces may stand for. A pattern with more counts as one that leads outside."""

MAX_EXPANDED = 32_768
"""Characters of all those paths together. A pattern with more counts as one that leads outside."""


def searches_inside(call: ToolCall, start: str, project_path: str) -> bool:
    """Return whether the file pattern of a search stays inside the project; True where it has no pattern.

    Args:
        start: the folder in which the search starts.
    """
    key = SEARCHES.get(call.name)
    pattern = call.input.get(key) if key is not None else None
    if not pattern:
        return True
    if not isinstance(pattern, str) or pattern != pattern.strip():
        return False
    alternatives = _alternatives(pattern)
    return bool(alternatives) and all(_stays_inside(text, start, project_path) for text in alternatives)


def _alternatives(pattern: str) -> list[str]:
    """Return the patterns without braces and brackets that one pattern stands for; none where they are too many."""
    plain = EXTENDED.sub("{", pattern).replace("|", ",").replace(")", "}").replace("\\", "")
    done: list[str] = []
    todo = [plain.removeprefix("!")]
    expanded = 0
    while todo and len(done) + len(todo) <= MAX_ALTERNATIVES and expanded <= MAX_EXPANDED:
        text = todo.pop()
        group = BRACES.search(text)
        if group is None:
            done.append(text)
            expanded += len(text)
        else:
            parts = group[1].split(",")[: MAX_ALTERNATIVES + 1]
            todo += [text[: group.start()] + part + text[group.end() :] for part in parts]
    return done if not todo and expanded <= MAX_EXPANDED else []


def _stays_inside(pattern: str, start: str, project_path: str) -> bool:
    """Return whether a pattern without braces stays inside: no ".." behind its first wildcard, nor a way out before."""
    parts = pattern.split("/")
    fixed = next((i for i, part in enumerate(parts) if MAGIC.search(part)), len(parts))
    prefix = "/".join(parts[:fixed]) or ("/" if pattern.startswith("/") else "")
    return ".." not in parts[fixed:] and (
        not prefix or (prefix[0] != "~" and is_inside(os.path.join(start, prefix), project_path))
    )
