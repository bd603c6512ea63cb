"""The tools of Claude Code, grouped by what they do, and the keys of their input that name files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from supervisor.protocol.conversation import ToolCall

SEARCHES = {"Glob": "pattern", "Grep": "glob", "LS": None}
"""Tools that search folders, and the key of their file pattern (None = they take no pattern).

A search that names no path starts in the folder of the call."""

READS = frozenset({"Read", "NotebookRead", *SEARCHES})
"""Tools that read files. Inside the project they need no approval."""

EDITS = frozenset({"Edit", "MultiEdit", "Write", "NotebookEdit"})
"""Tools that change one file, which their input names."""

HARMLESS = frozenset({"Agent", "Task", "TodoWrite", "ToolSearch", "TaskCreate", "TaskUpdate", "TaskList", "TaskGet"})
"""Tools that change nothing by themselves. Each call that a subagent makes gets its own verdict."""

ISOLATION = "isolation"
"""The input key that gives a subagent its own git worktree. Claude Code creates that in .git and .claude, unasked."""

NETWORK = frozenset({"WebFetch", "WebSearch"})
"""Tools that reach other machines."""

SHELL = "Bash"
"""The tool that runs commands."""

EXPLANATIONS = {SHELL: frozenset({"description"})}
"""Input keys, by tool, that only explain the call to its reader and do not change what it does."""

PATH_KEYS = ("file_path", "notebook_path", "path")
"""The input keys that name a file or folder."""

MAX_PATH = 4_096
"""The longest path or file pattern of a call, in bytes: PATH_MAX of Linux."""


def is_too_long(call: ToolCall) -> bool:
    """Return whether a call names a path or file pattern that no system can open."""
    named = [*named_paths(call.input), call.input.get(SEARCHES.get(call.name) or ""), call.folder]
    return any(len(str(path).encode(errors="surrogatepass")) > MAX_PATH for path in named)


def named_paths(tool_input: Mapping[str, Any]) -> list[object]:
    """Return the paths in a tool's input. They come from the model, so they need not be text."""
    return [tool_input[key] for key in PATH_KEYS if tool_input.get(key)]
