"""The one policy for tool calls: what Claude Code may do in a project, by the project's permissions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from supervisor.protocol.conversation import ToolCall, Verdict
from supervisor.protocol.status import Permissions

READS = frozenset({"Read", "Glob", "Grep", "LS", "NotebookRead"})
"""Tools that look at files: free inside the project."""

EDITS = frozenset({"Edit", "MultiEdit", "Write", "NotebookEdit"})
"""Tools that change one file, named in their input."""

HARMLESS = frozenset({"Agent", "Task", "TodoWrite", "ToolSearch", "TaskCreate", "TaskUpdate", "TaskList", "TaskGet"})
"""Tools that touch nothing by themselves; what a subagent does is decided call by call."""

PATH_KEYS = ("file_path", "notebook_path", "path")
"""Where a tool's input names the file it works on."""

PROTECTED = frozenset({".git", ".claude", ".mcp.json"})
"""What configures tools rather than being worked on: never edited freely."""


def decide(call: ToolCall, permissions: Permissions, project_path: str) -> Verdict:
    """Return whether a tool call may run without asking a person.

    Args:
        project_path: absolute, symlinks resolved.
    """
    if permissions is Permissions.FULL or call.name in HARMLESS:
        return Verdict(allowed=True)
    path = _path(call.input)
    inside = path is None or is_inside(path, project_path)
    if call.name in READS:
        return Verdict(allowed=True) if inside else _needs_asking(call, "it reads outside the project")
    if call.name in EDITS:
        if permissions is Permissions.EDIT and path is not None and inside and not _is_protected(path, project_path):
            return Verdict(allowed=True)
        if permissions is Permissions.ASK:
            return _needs_asking(call, "the project asks before files are changed")
        return _needs_asking(call, "only files of the project itself may be changed")
    if call.name == "Bash":
        return _needs_asking(call, f"the project's permissions are {permissions.value!r}")
    return _needs_asking(call, "the tool is not one that this project allows")


def summary(call: ToolCall) -> str:
    """Return a tool call in a few words, for a person: the tool and what it works on, at most 80 characters."""
    detail = call.input.get("command") or _path(call.input) or call.input.get("pattern") or ""
    return f"{call.name} {' '.join(str(detail).split())}".strip()[:80]


def is_inside(path: str, project_path: str) -> bool:
    """Return whether a path, symlinks followed, lies in a folder; a relative one counts from there."""
    real = os.path.realpath(os.path.join(project_path, os.path.expanduser(path)))
    return real == project_path or real.startswith(project_path.rstrip("/") + "/")


def _path(tool_input: Mapping[str, Any]) -> str | None:
    return next((str(tool_input[key]) for key in PATH_KEYS if tool_input.get(key)), None)


def _is_protected(path: str, project_path: str) -> bool:
    real = os.path.realpath(os.path.join(project_path, os.path.expanduser(path)))
    return not PROTECTED.isdisjoint(os.path.relpath(real, project_path).split(os.sep))


def _needs_asking(call: ToolCall, why: str) -> Verdict:
    return Verdict(allowed=False, reason=f"{summary(call)} needs a person's approval ({why}), so it was not run")
