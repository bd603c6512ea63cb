"""Which files the tools of a turn edited, call by call: also files that no checkpoint contains."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from typing import Any

from supervisor.permissions.tools import EDITS, PATH_KEYS
from supervisor.protocol.conversation import ToolCall
from supervisor.store.records.changes import FileOperation

MAX_BYTES = 200_000_000
"""Larger files are not hashed."""

ALLOWED = "tool_allowed"
"""The kind of the event that is stored before a call runs which may change something."""

READ = "tool_read"
"""The kind of the event that is stored before a call runs which only reads."""


def paths_of(call: ToolCall, folder: str) -> list[str]:
    """Return the paths that a call names, relative to a folder (the project's)."""
    given = [path for key in PATH_KEYS if isinstance(path := call.input.get(key), str)]
    # A relative path starts in the shell's current folder.
    return [os.path.relpath(os.path.join(folder, call.folder, path), folder) for path in given]


def found_by(call: ToolCall, folder: str) -> dict[str, Any]:
    """Return what to store of a call before it runs: its file and that file's hash; empty if it edits no file."""
    if call.name not in EDITS or not (paths := paths_of(call, folder)):
        return {}
    return {"tool": call.name, "path": paths[0], "before": sha256(os.path.join(folder, paths[0]))}


def edits(events: Sequence[tuple[str, Mapping[str, Any]]], folder: str) -> list[FileOperation]:
    """Return the edits of a turn that has ended, with the hashes of their files before and after.

    The hash after an edit is the hash that the next edit of the file found; for the last edit it is the hash of now.

    Args:
        events: (kind, payload) of the turn's events, oldest first.
    """
    after: dict[str, str | None] = {}
    found = []
    for kind, kept in reversed(events):
        if kind != ALLOWED or "path" not in kept:
            continue
        path, before = str(kept["path"]), kept["before"]
        left = after[path] if path in after else sha256(os.path.join(folder, path))
        after[path] = before
        found.append(
            FileOperation(
                path=path.encode(errors="replace").decode(),
                tool=str(kept["tool"]),
                status=_status(before, left),
                before_hash=before,
                after_hash=left,
                tool_use_id=str(kept["id"]),
            )
        )
    return found[::-1]


def sha256(path: str) -> str | None:
    """Return the hash of a file; None = it is missing, too large or not a regular file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
                return None
            with open(handle, "rb", closefd=False) as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        finally:
            os.close(handle)
    except (OSError, ValueError):
        return None


def _status(before: str | None, after: str | None) -> str:
    if before == after:
        return "unchanged"
    return "added" if before is None else "deleted" if after is None else "modified"
