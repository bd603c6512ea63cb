"""Which files a turn's tools edited, call by call: also what was put back, is ignored or is too large."""

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
"""Larger files have no hash."""

ALLOWED = "tool_allowed"
"""Kind of the event that is kept before a call runs."""


def paths_of(call: ToolCall, folder: str) -> list[str]:
    """Return the paths that a call names, relative to a folder."""
    given = [path for key in PATH_KEYS if isinstance(path := call.input.get(key), str)]
    # A relative one counts from where the shell has gone.
    return [os.path.relpath(os.path.join(folder, call.folder, path), folder) for path in given]


def found_by(call: ToolCall, folder: str) -> dict[str, Any]:
    """Return what to keep of a call that is about to run: the file that it edits, as it is now; empty for others."""
    if call.name not in EDITS or not (paths := paths_of(call, folder)):
        return {}
    return {"tool": call.name, "path": paths[0], "before": sha256(os.path.join(folder, paths[0]))}


def edits(events: Sequence[tuple[str, Mapping[str, Any]]], folder: str) -> list[FileOperation]:
    """Return the calls of a turn that is over.

    A call left what the next one found in the same file, the last one what the turn left.

    Args:
        events: of the turn, in their order.
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
    """Return the hash of a file; None where there is no plain one, or it is too large."""
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
