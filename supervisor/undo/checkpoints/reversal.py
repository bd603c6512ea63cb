"""One undo: a three-way merge in the shadow repository, then a write of the files that differ.

The order of the writes makes every crash recoverable: first the checkpoints of both states, then the journal entry,
then the files. Before the entry nothing in the project has changed; after it `rollback` restores what was written.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from supervisor.protocol.values.record import record
from supervisor.undo.checkpoints import merging, modes
from supervisor.undo.checkpoints.git import EMPTY_INDEX, CheckpointFailed, Git, GitFailed, TooSlow
from supervisor.undo.checkpoints.ignore_rules import cheap, widened
from supervisor.undo.checkpoints.journal import JournalEntry, remove_entry, write_entry
from supervisor.undo.checkpoints.rollback import roll_back
from supervisor.undo.checkpoints.worktree import SHARE_FOR_RULES, Worktree


@record
class Conflict:
    """The undo would overwrite later changes. Nothing was written.

    Attributes:
        paths: what was changed later, relative to the project.
    """

    paths: tuple[str, ...]


class Reversal:
    """The steps of one undo. Call the methods in the order in which they are defined.

    The index of the shadow repository must hold the recorded present state.
    """

    def __init__(self, git: Git, worktree: Worktree) -> None:
        self._git = git
        self._worktree = worktree

    def unrecorded(
        self, before: str, appeared: Sequence[str], left_out: Sequence[str], *, rules_refused: bool = False
    ) -> list[str]:
        """Return those files that are new after `before` but may have existed then without being recorded.

        A turn that takes `.env` out of .gitignore has not created `.env`: the undo must not remove the file.

        Args:
            appeared: files that are in a later state and not in `before`.
            left_out: files and folders that the recording of `before` left out.
            rules_refused: that recording did not apply the rules that take git too long.
        """
        if not appeared:
            return []
        if rules_refused:
            ignored = self._ignored_by_rules_of(before, appeared, cheap)
        else:
            try:
                share = self._git.seconds * SHARE_FOR_RULES
                ignored = self._ignored_by_rules_of(before, appeared, bytes, seconds=share)
            except TooSlow:  # it is better to leave a file in place than to remove one that was there before
                ignored = self._ignored_by_rules_of(before, appeared, widened)
        folders = tuple(path for path in left_out if path.endswith("/"))
        return [path for path in appeared if path in ignored or path in left_out or path.startswith(folders)]

    def without(self, paths: Sequence[str]) -> str:
        """Remove paths from the index and return its tree."""
        self._git.run("update-index", "--force-remove", "-z", "--stdin", given=_joined(paths))
        return self._git.run("write-tree").decode().strip()

    def merge(self, before: str, after: str, current: str) -> str | Conflict:
        """Return the tree of `current` without the changes from `before` to `after`."""
        merged = merging.merge(self._git, base=after, ours=current, theirs=before)
        return merged if isinstance(merged, str) else Conflict(paths=tuple(merged))

    def write(
        self,
        undo: JournalEntry,
        appearing: Sequence[str],
        touched: Collection[str],
        going: Sequence[str] = (),
    ) -> Conflict | None:
        """Bring the folder and the index to the target of an undo.

        Args:
            appearing: the paths that the undo creates.
            touched: every path that it writes or removes.
            going: the paths that it removes.

        Returns:
            Conflict where a path has changed since it was recorded; nothing was written then.

        Raises:
            CheckpointFailed: the folder is not writable, or the write failed. The message of a failed write says
                whether it was rolled back.
        """
        in_the_way = [path for path in appearing if not self._is_free(path, touched)]
        if in_the_way:
            return Conflict(paths=tuple(in_the_way))
        self._check_writable(touched)
        try:
            self._git.run("read-tree", "-m", "-u", "--dry-run", undo.current, undo.target)
        except GitFailed:
            found = self._worktree.look()
            raced = {os.fsdecode(path) for path in (*found.take, *found.gone)} & set(touched)
            if not raced:
                raise
            return Conflict(paths=tuple(sorted(raced)))
        write_entry(self._git, undo)
        rights = modes.read(self._git.work_tree, touched)
        try:
            self._write(undo, going)
        finally:
            modes.restore(self._git.work_tree, rights)
        return None

    def _write(self, undo: JournalEntry, going: Sequence[str]) -> None:
        try:
            self._git.run("read-tree", "-m", "-u", undo.current, undo.target)
        except CheckpointFailed as failed:
            self._fail(undo, failed.why, "free disk space in the project's folder, or see the log, and undo again")
        # git only warns where it cannot remove a file.
        if left := [path for path in going if self._is_left(path)]:
            self._fail(undo, f"{left[0]} cannot be removed", "see to it that it can be, and undo again")

    def _fail(self, undo: JournalEntry, why: str, remedy: str) -> NoReturn:
        """Roll a failed write back, and raise why it failed."""
        try:
            roll_back(self._git, undo)
        except (CheckpointFailed, OSError) as error:
            raise CheckpointFailed(f"{why}; nor could what was written be put back", remedy) from error
        remove_entry(self._git)
        raise CheckpointFailed(f"{why}; what was written is put back", remedy)

    def _ignored_by_rules_of(
        self, commit: str, paths: Sequence[str], rules: Callable[[bytes], bytes], *, seconds: float | None = None
    ) -> set[str]:
        """Return the paths that the .gitignore files of a commit ignore: git checks them in a folder of their own.

        Args:
            rules: returns the rules that are applied of those in a file.

        Raises:
            TooSlow: git takes longer than `seconds`.
        """
        listed = self._git.run("ls-tree", "-r", "-z", commit)
        with tempfile.TemporaryDirectory(prefix="xswarm-rules-") as folder:
            for line in listed.split(b"\0"):
                head, _, path = line.partition(b"\t")
                if path.rpartition(b"/")[2] == b".gitignore" and head.startswith(b"100"):
                    target = Path(folder) / os.fsdecode(path)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(rules(self._git.run("cat-file", "blob", head.split()[2].decode())))
            git = replace(self._git, work_tree=Path(folder).resolve(), index=EMPTY_INDEX)
            given = _joined([f"./{path}" for path in paths])  # a leading colon would mean something to git
            ignored = git.run("check-ignore", "-z", "--stdin", given=given, accepted=(0, 1), seconds=seconds)
        return {os.fsdecode(path.removeprefix(b"./")) for path in ignored.split(b"\0")}

    def _is_free(self, path: str, touched: Collection[str]) -> bool:
        """Return whether a file can be created without hiding or replacing a file that is not recorded.

        The check is needed because `git read-tree` overwrites ignored files.
        """
        root = self._git.work_tree
        for parent in Path(path).parents:
            if os.path.lexists(root / parent) and ((root / parent).is_symlink() or not (root / parent).is_dir()):
                return str(parent) in touched
        target = root / path
        if not os.path.lexists(target):
            return True
        if target.is_symlink() or not target.is_dir():
            return False
        inside = [Path(folder, name).relative_to(root) for folder, _, names in os.walk(target) for name in names]
        return all(str(file) in touched for file in inside)

    def _is_left(self, path: str) -> bool:
        """Return whether a file still exists, and neither a folder nor a link has taken its place."""
        root = self._git.work_tree
        if any((root / parent).is_symlink() for parent in Path(path).parents[:-1]):
            return False
        return (root / path).is_symlink() or (root / path).is_file()

    def _check_writable(self, paths: Collection[str]) -> None:
        """Raise CheckpointFailed, before the first write, where a folder of the paths is read-only."""
        for folder in {(self._git.work_tree / path).parent for path in paths}:
            nearest = next(place for place in (folder, *folder.parents) if place.is_dir())
            if not os.access(nearest, os.W_OK | os.X_OK):
                raise CheckpointFailed(
                    f"{nearest} may not be written", "give the daemon's user the right to write there"
                )


def _joined(paths: Sequence[str]) -> bytes:
    return b"".join(os.fsencode(path) + b"\0" for path in paths)
