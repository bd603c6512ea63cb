"""Three states of a folder made one: path by path, since `git merge-tree` follows what it takes for a renamed file.

Before git 2.50 no setting keeps it from that: what was written by hand into a file went into another that looked alike.
"""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from supervisor.undo.checkpoints.git import Git, GitFailed
from supervisor.undo.checkpoints.steps import Entry, into_index, steps

INDEX = "merging"
"""The index file in which it is done."""


def merge(git: Git, base: str, ours: str, theirs: str) -> str | list[str]:
    """Return the tree of `ours` with what leads from `base` to `theirs`, or the paths where that cannot be.

    Args:
        base, ours, theirs: commits or trees.
    """
    by_us = {step.path: step.new for step in steps(git, base, ours)}
    wanted: dict[bytes, Entry | None] = {}
    conflicts: set[bytes] = set()
    for step in steps(git, base, theirs):
        if step.path not in by_us:
            wanted[step.path] = step.new
        elif by_us[step.path] != step.new:
            merged = _merged(git, step.old, by_us[step.path], step.new)
            if merged is None:
                conflicts.add(step.path)
            else:
                wanted[step.path] = merged
    conflicts |= _displaced(git, ours, wanted)
    if conflicts:
        return sorted(os.fsdecode(path) for path in conflicts)
    beside = replace(git, index=INDEX)
    try:
        (git.git_dir / f"{INDEX}.lock").unlink(missing_ok=True)  # of one that was killed
        beside.run("read-tree", ours)
        return into_index(beside, wanted)
    finally:
        (git.git_dir / INDEX).unlink(missing_ok=True)


def _displaced(git: Git, ours: str, wanted: Mapping[bytes, Entry | None]) -> set[bytes]:
    """Return what would lie where a file of ours has a folder, or where a folder of ours has a file."""
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
    """Return a file with the changes of both sides; None where there are not three files, or the same was changed."""
    if base is None or ours is None or theirs is None:
        return None
    if not (base.is_file and ours.is_file and theirs.is_file):
        return None
    mode = _of_both(base.mode, ours.mode, theirs.mode)
    blob = _of_both(base.blob, ours.blob, theirs.blob) or _merged_text(git, base.blob, ours.blob, theirs.blob)
    return Entry(mode, blob) if mode and blob else None


def _of_both(base: str, ours: str, theirs: str) -> str | None:
    """Return what both sides have, or what the one has that has another than before; None where both have."""
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
            if failed.status < 0:  # it was killed
                raise
            return None  # as many conflicts, or 255 for what is no text
    return git.run("hash-object", "-w", "--no-filters", "--stdin", given=merged).decode().strip()
