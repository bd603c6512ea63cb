"""Where the paths of a tool call lead, symbolic links followed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress

from supervisor.permissions.tools import SEARCHES, named_paths
from supervisor.permissions.wording import one_line
from supervisor.protocol.conversation import ToolCall


def base_folder(call: ToolCall, project_path: str) -> str:
    """Return the folder that a call's relative paths start from: Claude Code's tools follow the `cd` of its shell."""
    return os.path.join(project_path, call.folder)


def target_paths(call: ToolCall, base: str) -> list[object]:
    """Return the paths that a call names; for a search that names none, the base folder."""
    return named_paths(call.input) or ([base] if call.name in SEARCHES else [])


def is_inside(path: object, folder: str, base: str = "") -> bool:
    """Return whether a path, symbolic links followed, lies in a folder.

    Args:
        path: False for all that a tool might read differently: no text, "~", blanks at either end.
        folder: absolute, symbolic links resolved.
        base: where a relative path starts; empty = in the folder.
    """
    if not isinstance(path, str) or path.startswith("~") or path != path.strip() or "\ufeff" in path:
        return False
    try:
        return all(
            real == folder or real.startswith(folder.rstrip("/") + "/") for real in real_paths(path, base or folder)
        )
    except ValueError:  # a NUL, or half of a surrogate pair
        return False


def reaches(call: ToolCall, folder: str, exempt: Sequence[str], base: str) -> bool:
    """Return whether a call names a path in a folder, or searches a folder around it.

    Args:
        folder: absolute, symbolic links resolved.
        exempt: folders that may be reached where they lie below it; empty strings are ignored.
        base: where relative paths start.
    """
    below = [one for one in exempt if one and is_inside(one, folder)]
    for path in (str(place).strip().lstrip("\ufeff") for place in target_paths(call, base)):
        if path.startswith("~"):  # the session's own home, which lies in the state folder
            if ".." in path:
                return True
            continue
        try:
            found = real_paths(path, base)
        except ValueError:  # a NUL, or half of a surrogate pair: no file has that name
            continue
        for real in found:
            searched = call.name in SEARCHES and is_inside(folder, real)
            exempted = any(is_inside(real, one) for one in below)
            if searched or (is_inside(real, folder) and not exempted):
                return True
    return False


def link_targets(call: ToolCall, project_path: str) -> list[str]:
    """Return, for a person, where those paths of a call lead that are symbolic links or go through one."""
    base = base_folder(call, project_path)
    found: list[str] = []
    for path in target_paths(call, base):
        if isinstance(path, str) and not path.startswith("~"):
            with suppress(ValueError):  # a NUL, or half of a surrogate pair: no file has that name
                written = os.path.normpath(os.path.join(base, path))
                found += [real for real in real_paths(path, base) if real != written]
    return [one_line(real) for real in dict.fromkeys(found)]


def edited_places(call: ToolCall, project_path: str) -> list[str]:
    """Return where the paths of a call lead that changes files, as they are written and with links followed."""
    base = base_folder(call, project_path)
    found: list[str] = []
    for path in target_paths(call, base):
        with suppress(ValueError):  # a NUL, or half of a surrogate pair: no file has that name
            found += places_of(str(path), base)
    return found


def places_of(path: str, base: str) -> set[str]:
    """Return where a path leads: as it is written, and with symbolic links followed."""
    return {os.path.normpath(os.path.join(base, path)), *real_paths(path, base)}


def real_paths(path: str, base: str) -> tuple[str, str]:
    """Return where a path leads, in two readings of a `..` behind a symbolic link: the system's and that of Node.js.

    The system follows the link first; Node.js, in which Claude Code runs, removes the `..` first.
    """
    joined = os.path.join(base, path)
    real = os.path.realpath(joined)
    if real == joined:  # no link and no `..` is in it, so there is only one reading
        return real, real
    return real, os.path.realpath(os.path.normpath(joined))
