"""The three-way merge of a folder's states, path by path.

`git merge-tree` is not used: it detects renames, and before git 2.50 no setting turns that off. It merged what somebody
had written into one file into another file that looked alike.
"""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from supervisor.undo.checkpoints.entries import Entry, entry_changes, update_index
from supervisor.undo.checkpoints.git import Git, GitFailed

INDEX = "merging"
"""The index file of a merge."""


def merge(git: Git, base: str, ours: str, theirs: str) -> str | list[str]:
    """Return the tree of `ours` with the changes from `base` to `theirs`, or the paths that conflict.

    Args:
        base, ours, theirs: commits or trees.
    """
    by_us = {change.path: change.new for change in entry_changes(git, base, ours)}
    wanted: dict[bytes, Entry | None] = {}
    conflicts: set[bytes] = set()
    for change in entry_changes(git, base, theirs):
        if change.path not in by_us:
            wanted[change.path] = change.new
        elif by_us[change.path] != change.new:
            merged = _merged(git, change.old, by_us[change.path], change.new)
            if merged is None:
                conflicts.add(change.path)
            else:
                wanted[change.path] = merged
    conflicts |= _displaced(git, ours, wanted)
    if conflicts:
        return sorted(os.fsdecode(path) for path in conflicts)
    beside = replace(git, index=INDEX)
    try:
        (git.git_dir / f"{INDEX}.lock").unlink(missing_ok=True)  # left by a git process that was killed
        beside.run("read-tree", ours)
        return update_index(beside, wanted)
    finally:
        (git.git_dir / INDEX).unlink(missing_ok=True)


def _displaced(git: Git, ours: str, wanted: Mapping[bytes, Entry | None]) -> set[bytes]:
    """Return the wanted paths for which `ours` has a file in place of a folder, or a folder in place of a file."""
    coming = [path for path, entry in wanted.items() if entry is not None]
    if not coming:
        return set()
    listed = git.run("ls-tree", "-r", "-z", "--name-only", ours).split(b"\0")
    kept = sorted(path for path in listed if path and wanted.get(path, path) is not None)
    files = set(kept)
    found = set()
    for path in coming:
        parts = path.split(b"/")
        place = bisect_left(kept, path + b"/")
        if any(b"/".join(parts[:count]) in files for count in range(1, len(parts))) or (
            place < len(kept) and kept[place].startswith(path + b"/")
        ):
            found.add(path)
    return found


def _merged(git: Git, base: Entry | None, ours: Entry | None, theirs: Entry | None) -> Entry | None:
    """Return a file with the changes of both sides; None = they conflict, or one of the three is not a file."""
    if base is None or ours is None or theirs is None:
        return None
    if not (base.is_file and ours.is_file and theirs.is_file):
        return None
    mode = _of_both(base.mode, ours.mode, theirs.mode)
    blob = _of_both(base.blob, ours.blob, theirs.blob) or _merged_text(git, base.blob, ours.blob, theirs.blob)
    return Entry(mode, blob) if mode and blob else None


def _of_both(base: str, ours: str, theirs: str) -> str | None:
    """Return the value that both sides agree on, or that of the only side that changed it; None = both changed it."""
    if ours in (base, theirs):
        return theirs
    return ours if theirs == base else None


def _merged_text(git: Git, base: str, ours: str, theirs: str) -> str | None:
    with tempfile.TemporaryDirectory(prefix="xswarm-merge-") as folder:
        names = {blob: str(Path(folder) / blob) for blob in (ours, base, theirs)}
        for blob, name in names.items():
            Path(name).write_bytes(git.run("cat-file", "blob", blob))
        try:
            merged = git.run("merge-file", "-p", "-q", names[ours], names[base], names[theirs])
        except GitFailed as failed:
            if failed.status < 0:  # a signal ended git
                raise
            return None  # the status is the number of conflicts, or 255 for files that are not text
    return git.run("hash-object", "-w", "--no-filters", "--stdin", given=merged).decode().strip()
