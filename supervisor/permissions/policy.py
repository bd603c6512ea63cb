"""The one policy for tool calls: what Claude Code may do in a project, by the project's permissions."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from supervisor.protocol.conversation import ToolCall, Verdict
from supervisor.protocol.messages import well_formed
from supervisor.protocol.status import Permissions

SEARCHES = {"Glob": "pattern", "Grep": "glob", "LS": None}
"""Tools that look through folders, below the project where they name no path; and the input with file patterns."""

READS = frozenset({"Read", "NotebookRead", *SEARCHES})
"""Tools that look at files: free inside the project."""

EDITS = frozenset({"Edit", "MultiEdit", "Write", "NotebookEdit"})
"""Tools that change one file, named in their input."""

HARMLESS = frozenset({"Agent", "Task", "TodoWrite", "ToolSearch", "TaskCreate", "TaskUpdate", "TaskList", "TaskGet"})
"""Tools that touch nothing by themselves; what a subagent does is decided call by call."""

APART = "isolation"
"""The input by which a subagent gets a git worktree of its own: Claude Code makes it, in .git and .claude, unasked."""

NETWORK = frozenset({"WebFetch", "WebSearch"})
"""Tools that reach out to other machines."""

PATH_KEYS = ("file_path", "notebook_path", "path")
"""Where a tool's input names the file it works on."""

SHOWN = ("pattern", "url", "query")
"""What else of a tool's input says what it works on."""

SUMMARY_CHARACTERS = 80

SHOWN_CHARACTERS = 240
"""How much of a call a question shows; it says how much it leaves out."""

PROTECTED = frozenset({".git", ".claude", ".mcp.json"})
"""What configures tools rather than being worked on: never edited freely."""

BRACES = re.compile(r"\{([^{}]*)\}")
EXTENDED = re.compile(r"[@+?*!]?\(")
MAGIC = re.compile(r"[*?\[\]{}]")

UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""What counts as printable and shows nothing: fillers, joiners, blanks and variation selectors."""

MAX_ALTERNATIVES = 256
"""Paths that one file pattern with braces may stand for; more are taken to lead outside."""


class Risk(StrEnum):
    """What makes a call one that a person is asked about."""

    OUTSIDE = "outside"
    """It leads outside the project."""
    NETWORK = "network"
    """It reaches out to other machines."""
    SHELL = "shell"
    """It runs a command, which may do anything that the sandbox lets it."""
    FULL_SHELL = "full_shell"
    """It runs a command in a project that allows every command."""
    EDIT = "edit"
    """It changes files of the project."""
    PROTECTED = "protected"
    """It changes what configures tools."""
    OTHER = "other"
    """Nobody can tell what it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsApproval(Verdict):
    """A no that a person may turn into a yes."""

    risk: Risk


def decide(call: ToolCall, permissions: Permissions, project_path: str, *, private: str = "", own: str = "") -> Verdict:
    """Return whether a tool call may run without asking a person.

    Args:
        project_path: absolute, symlinks resolved.
        private: state.dir: its secrets would widen what the person may do, so no permission opens it.
        own: the session's folder below it.
    """
    here = _here(call, project_path)
    if private and _reaches(call, private, (project_path, own), here):
        return Verdict(allowed=False, reason=f"{summary(call)} was not run: it leads to the daemon's own files")
    if permissions is Permissions.FULL or _is_harmless(call):
        return Verdict(allowed=True)
    if call.name in HARMLESS:
        return Verdict(allowed=False, reason=f"{call.name} was not run: subagents work in the project's folder alone")
    paths = _places(call, here)
    inside = all(is_inside(path, project_path, here) for path in paths)
    if call.name in READS:
        if not paths:
            return _needs_asking(call, "it names no file", Risk.OTHER)
        if inside and _searches_inside(call, os.path.join(here, str(paths[0])), project_path):
            return Verdict(allowed=True)
        return _needs_asking(call, "it reads outside the project", Risk.OUTSIDE)
    if call.name in EDITS:
        risk = Risk.OUTSIDE if not inside else Risk.EDIT if paths else Risk.OTHER
        if paths and inside and any(is_protected(str(path), project_path, here) for path in paths):
            risk = Risk.PROTECTED
        if permissions is Permissions.ASK:
            return _needs_asking(call, "the project asks before files are changed", risk)
        if risk is Risk.EDIT:
            return Verdict(allowed=True)
        return _needs_asking(call, "only files of the project itself may be changed", risk)
    if call.name == "Bash":
        return _needs_asking(call, f"the project's permissions are {permissions.value!r}", Risk.SHELL)
    risk = Risk.NETWORK if call.name in NETWORK else Risk.OTHER
    return _needs_asking(call, "the tool is not one that this project allows", risk)


def look_again(call: ToolCall, allowed: Verdict, project_path: str, guarded: Collection[Risk]) -> Verdict:
    """Return the verdict on a call that was allowed, for a turn that somebody else may have asked for in one's name.

    Args:
        guarded: what a person is asked about all the same, whatever the project allows.
    """
    asking = decide(call, Permissions.ASK, project_path)
    if not isinstance(asking, NeedsApproval):
        return allowed
    here = _here(call, project_path)
    outside = not all(is_inside(path, project_path, here) for path in _places(call, here))
    risks = {Risk.OUTSIDE: outside, Risk.FULL_SHELL: asking.risk is Risk.SHELL, asking.risk: True}
    for risk, applies in risks.items():
        if applies and risk in guarded:
            return _needs_asking(call, "it was asked for by a way that can be forged", risk)
    return allowed


def changes_something(call: ToolCall) -> bool:
    """Return whether a tool call may leave a trace in the world, as far as its tool tells."""
    return call.name not in READS and not _is_harmless(call)


def whole(call: ToolCall) -> str:
    """Return a tool call for a person, to the letter: the tool and what it works on; what cannot be seen is escaped."""
    files = filter(None, [*_paths(call.input), call.input.get(SEARCHES.get(call.name) or "")])
    given = [call.input.get("command"), " ".join(map(str, files)), *(call.input.get(key) for key in SHOWN)]
    detail = next(filter(None, given), None) or (json.dumps(call.input, ensure_ascii=False) if call.input else "")
    return well_formed(f"{call.name} {_seen(str(detail))}".strip())


def summary(call: ToolCall) -> str:
    """Return a tool call in a few words and one line, for a person; at most 80 characters."""
    return brief(whole(call))


def brief(text: str) -> str:
    """Return the beginning of what is said of a call, in one line; at most 80 characters."""
    line = text.replace("\n", "\\n")
    return line if len(line) <= SUMMARY_CHARACTERS else f"{line[: SUMMARY_CHARACTERS - 3]}..."


def shown(call: ToolCall) -> str:
    """Return a tool call for whoever decides about it: to the letter, and how much of it is left out."""
    what = whole(call)
    left_out = len(what) - SHOWN_CHARACTERS
    return what[:SHOWN_CHARACTERS] + (f"... ({left_out} characters more)" if left_out > 0 else "")


def leads(call: ToolCall, project_path: str) -> list[str]:
    """Return where the paths of a call lead that are symlinks, or go through some, for a person."""
    here = _here(call, project_path)
    found: list[str] = []
    for path in _places(call, here):
        if isinstance(path, str) and not path.startswith("~"):
            with suppress(ValueError):  # a NUL, or half of a surrogate pair: no file has that name
                written = os.path.normpath(os.path.join(here, path))
                found += [real for real in _real_paths(path, here) if real != written]
    return [well_formed(_seen(real).replace("\n", "\\n")) for real in dict.fromkeys(found)]


def is_inside(path: object, project_path: str, here: str = "") -> bool:
    """Return whether a path, symlinks followed, lies in a folder; a relative one counts from `here`, else from there.

    What a tool might read otherwise than we do (a home directory, blanks around it) lies in no folder.
    """
    if not isinstance(path, str) or path.startswith("~") or path != path.strip() or "\ufeff" in path:
        return False
    try:
        return all(
            real == project_path or real.startswith(project_path.rstrip("/") + "/")
            for real in _real_paths(path, here or project_path)
        )
    except ValueError:  # a NUL, or half of a surrogate pair
        return False


def is_protected(path: str, project_path: str, here: str = "") -> bool:
    """Return whether a path inside a project, as it is written or with symlinks followed, configures tools."""
    here = here or project_path
    places = (os.path.normpath(os.path.join(here, path)), *_real_paths(path, here))
    parts = {
        part.casefold()  # macOS takes .GIT for .git
        for place in places
        for part in os.path.relpath(place, project_path).split(os.sep)
    }
    return not PROTECTED.isdisjoint(parts)


def _is_harmless(call: ToolCall) -> bool:
    return call.name in HARMLESS and not call.input.get(APART)


def _reaches(call: ToolCall, private: str, but: Sequence[str], here: str) -> bool:
    """Return whether a tool that names files, or searches through them, gets at a folder, some below it left out."""
    for path in (str(place).strip().lstrip("\ufeff") for place in _places(call, here)):
        if path.startswith("~"):  # the session's own home, which lies there
            if ".." in path:
                return True
            continue
        try:
            places = _real_paths(path, here)
        except ValueError:  # a NUL, or half of a surrogate pair: no file has that name
            continue
        for place in places:
            searched = call.name in SEARCHES and is_inside(private, place)
            opened = any(folder and is_inside(place, folder) for folder in but)
            if searched or (is_inside(place, private) and not opened):
                return True
    return False


def _real_paths(path: str, here: str) -> tuple[str, str]:
    """Return where a path leads when a `..` after a symlink is taken as the system does, and as Node.js does."""
    joined = os.path.join(here, path)
    return os.path.realpath(joined), os.path.realpath(os.path.normpath(joined))


def _paths(tool_input: Mapping[str, Any]) -> list[object]:
    return [tool_input[key] for key in PATH_KEYS if tool_input.get(key)]


def _seen(text: str) -> str:
    return "".join(
        c if c == "\n" or (c.isprintable() and not UNSEEN.match(c)) else c.encode("unicode_escape").decode()
        for c in text
    )


def _here(call: ToolCall, project_path: str) -> str:
    """Return where a call's relative paths count from: Claude Code's tools follow the `cd` of its shell."""
    return os.path.join(project_path, call.folder)


def _places(call: ToolCall, here: str) -> list[object]:
    """Return the paths that a call names; a search that names none looks where it is."""
    return _paths(call.input) or ([here] if call.name in SEARCHES else [])


def _searches_inside(call: ToolCall, below: str, project_path: str) -> bool:
    """Return whether the file pattern of a search below a folder stays inside the project."""
    key = SEARCHES.get(call.name)
    pattern = call.input.get(key) if key is not None else None
    if not pattern:
        return True
    if not isinstance(pattern, str) or pattern != pattern.strip():
        return False
    alternatives = _alternatives(pattern)
    return bool(alternatives) and all(_stays_inside(text, below, project_path) for text in alternatives)


def _alternatives(pattern: str) -> list[str]:
    """Return the patterns without braces or brackets that one stands for; none where they are too many."""
    plain = EXTENDED.sub("{", pattern).replace("|", ",").replace(")", "}").replace("\\", "")
    done: list[str] = []
    todo = [plain.removeprefix("!")]
    while todo and len(done) + len(todo) <= MAX_ALTERNATIVES:
        text = todo.pop()
        group = BRACES.search(text)
        if group is None:
            done.append(text)
        else:
            todo += [text[: group.start()] + part + text[group.end() :] for part in group[1].split(",")]
    return done if not todo else []


def _stays_inside(pattern: str, below: str, project_path: str) -> bool:
    steps = pattern.split("/")
    fixed = next((i for i, step in enumerate(steps) if MAGIC.search(step)), len(steps))
    start = "/".join(steps[:fixed]) or ("/" if pattern.startswith("/") else "")
    return ".." not in steps[fixed:] and (
        not start or (start[0] != "~" and is_inside(os.path.join(below, start), project_path))
    )


def _needs_asking(call: ToolCall, why: str, risk: Risk) -> NeedsApproval:
    reason = f"{summary(call)} needs a person's approval ({why}), so it was not run"
    return NeedsApproval(allowed=False, reason=reason, risk=risk)
