"""Rolls back an undo that was interrupted while it wrote files."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from supervisor.undo.checkpoints.entries import EntryChange, entry_changes, update_index
from supervisor.undo.checkpoints.git import Git
from supervisor.undo.checkpoints.journal import JournalEntry

INDEX = "put-back"
"""The index file of a rollback. The main index may be in any state by then."""


def roll_back(git: Git, entry: JournalEntry) -> None:
    """Restore the files that an undo has written, except those that somebody has changed since.

    It may run again after a crash: it restores what is still missing.

    Raises:
        CheckpointFailed, OSError: not every file could be restored.
    """
    taken = _written_changes(git, entry)
    for change in taken:
        if change.old is None:
            _remove(git.work_tree, change.path)
    wanted = [one.path for one in taken if one.old is not None and not _is_folder(git.work_tree, one.path)]
    beside = replace(git, index=INDEX)
    try:
        (git.git_dir / f"{INDEX}.lock").unlink(missing_ok=True)  # left by a git process that was killed
        beside.run("read-tree", entry.current)
        beside.run("checkout-index", "--force", "-z", "--stdin", given=b"".join(path + b"\0" for path in wanted))
    finally:
        (git.git_dir / INDEX).unlink(missing_ok=True)


def tree_after_rollback(git: Git, entry: JournalEntry) -> str:
    """Return the tree that the folder would have after a rollback, without writing to the folder.

    The index must hold the present state; afterwards it holds the returned tree.
    """
    return update_index(git, {change.path: change.old for change in _written_changes(git, entry)})


def _written_changes(git: Git, entry: JournalEntry) -> list[EntryChange]:
    """Return the changes that the undo has written, completely or in part, and that nobody has changed since."""
    written: dict[bytes, EntryChange] = {}
    for change in entry_changes(git, entry.current, entry.target):
        if _is_written(git, change, written):
            written[change.path] = change
    return list(written.values())


def _is_written(git: Git, change: EntryChange, earlier: Mapping[bytes, EntryChange]) -> bool:
    """Return whether a path is as the undo, or a rollback of it, may have left it.

    That is: the file is missing, or its content is the beginning of the old or of the new content. git removes a file
    before it writes another one in its place.

    Args:
        earlier: the written changes of the paths before this one.
    """
    path = git.work_tree / os.fsdecode(change.path)
    if (link := _link_on_the_way(git.work_tree, change.path)) is not None:
        return link in earlier and change.old is not None  # the undo itself put the link in place of the folder
    try:
        found = os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes() if path.is_file() else None
    except OSError:
        return False
    if found is None:
        return change.old is not None
    both = (one for one in (change.old, change.new) if one is not None)
    return any(git.run("cat-file", "blob", one.blob).startswith(found) for one in both)


def _remove(root: Path, path: bytes) -> None:
    """Remove a file that an undo has created, and the folders that are empty without it."""
    file = root / os.fsdecode(path)
    file.unlink(missing_ok=True)
    with suppress(OSError):
        for folder in _folders(root, path):
            folder.rmdir()


def _is_folder(root: Path, path: bytes) -> bool:
    """Return whether the path is a folder now, which may hold files of others."""
    try:
        return stat.S_ISDIR((root / os.fsdecode(path)).lstat().st_mode)
    except OSError:
        return False


def _link_on_the_way(root: Path, path: bytes) -> bytes | None:
    """Return the outermost folder of a path that is a symbolic link; None = all are folders."""
    links = (folder for folder in reversed(_folders(root, path)) if folder.is_symlink())
    return next((os.fsencode(link.relative_to(root)) for link in links), None)


def _folders(root: Path, path: bytes) -> Sequence[Path]:
    """Return the folders of a path below the root, innermost first."""
    return [root / folder for folder in Path(os.fsdecode(path)).parents][:-1]
