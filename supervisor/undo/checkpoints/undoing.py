"""Taking a turn's changes back: a three-way merge in our repository, then only the files that differ."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from supervisor.undo.checkpoints import merging, modes
from supervisor.undo.checkpoints.git import EMPTY_INDEX, CheckpointFailed, Git, GitFailed
from supervisor.undo.checkpoints.unfinished import Unfinished, forget, note, put_back
from supervisor.undo.checkpoints.worktree import Worktree


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """The undo would have lost something that came later; nothing was touched.

    Attributes:
        paths: what was changed since.
    """

    paths: tuple[str, ...]


class Undoing:
    """The steps of one undo, in the order of its methods; the index holds the recorded present state."""

    def __init__(self, git: Git, worktree: Worktree) -> None:
        self._git = git
        self._worktree = worktree

    def unrecorded(self, before: str, appeared: Sequence[str], left_out: Sequence[str]) -> list[str]:
        """Return what appeared after `before` and yet may have been there: left out, or ignored by its rules.

        A turn that takes `.env` out of .gitignore has not made it: taking that turn back must not remove the file.
        """
        if not appeared:
            return []
        ignored = self._ignored_by_rules_of(before, appeared)
        folders = tuple(path for path in left_out if path.endswith("/"))
        return [path for path in appeared if path in ignored or path in left_out or path.startswith(folders)]

    def without(self, paths: Sequence[str]) -> str:
        """Return the tree of the index without some paths, which it then no longer tracks."""
        self._git.run("update-index", "--force-remove", "-z", "--stdin", given=_joined(paths))
        return self._git.run("write-tree").decode().strip()

    def merge(self, before: str, after: str, current: str) -> str | Conflict:
        """Return the tree of `current` with the way from `before` to `after` taken back."""
        merged = merging.merge(self._git, base=after, ours=current, theirs=before)
        return merged if isinstance(merged, str) else Conflict(paths=tuple(merged))

    def write(
        self,
        undo: Unfinished,
        appearing: Sequence[str],
        touched: Collection[str],
        going: Sequence[str] = (),
    ) -> Conflict | None:
        """Bring the folder and the index to the target of an undo; all of it or, where a path changed, nothing.

        Raises:
            CheckpointFailed: it may not be written, or one of the paths that are `going` is still there; or it stopped
                in its middle, and says whether what it had written was put back.
        """
        in_the_way = [path for path in appearing if not self._is_free(path, touched)]
        if in_the_way:
            return Conflict(paths=tuple(in_the_way))
        self._may_write(touched)
        try:
            self._git.run("read-tree", "-m", "-u", "--dry-run", undo.current, undo.target)
        except GitFailed:
            found = self._worktree.look()
            raced = {os.fsdecode(path) for path in (*found.take, *found.gone)} & set(touched)
            if not raced:
                raise
            return Conflict(paths=tuple(sorted(raced)))
        note(self._git, undo)
        rights = modes.of(self._git.work_tree, touched)
        try:
            self._write(undo, going)
        finally:
            modes.give_back(self._git.work_tree, rights)
        return None

    def _write(self, undo: Unfinished, going: Sequence[str]) -> None:
        try:
            self._git.run("read-tree", "-m", "-u", undo.current, undo.target)
        except CheckpointFailed as failed:
            self._put_back(undo, failed.why, "free disk space in the project's folder, or see the log, and undo again")
        # git only warns where it cannot remove a file.
        if left := [path for path in going if self._is_left(path)]:
            self._put_back(undo, f"{left[0]} cannot be removed", "see to it that it can be, and undo again")

    def _put_back(self, undo: Unfinished, why: str, remedy: str) -> NoReturn:
        try:
            put_back(self._git, undo)
        except (CheckpointFailed, OSError) as error:
            raise CheckpointFailed(f"{why}; nor could what was written be put back", remedy) from error
        forget(self._git)
        raise CheckpointFailed(f"{why}; what was written is put back", remedy)

    def _ignored_by_rules_of(self, commit: str, paths: Sequence[str]) -> set[str]:
        """Ask git with the .gitignore files of another time, in a folder that holds nothing else."""
        listed = self._git.run("ls-tree", "-r", "-z", commit)
        with tempfile.TemporaryDirectory(prefix="xswarm-rules-") as folder:
            for line in listed.split(b"\0"):
                head, _, path = line.partition(b"\t")
                if path.rpartition(b"/")[2] == b".gitignore" and head.startswith(b"100"):
                    target = Path(folder) / os.fsdecode(path)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(self._git.run("cat-file", "blob", head.split()[2].decode()))
            git = replace(self._git, work_tree=Path(folder).resolve(), index=EMPTY_INDEX)
            given = _joined([f"./{path}" for path in paths])  # a leading colon would mean something to git
            ignored = git.run("check-ignore", "-z", "--stdin", given=given, accepted=(0, 1))
        return {os.fsdecode(path.removeprefix(b"./")) for path in ignored.split(b"\0")}

    def _is_free(self, path: str, touched: Collection[str]) -> bool:
        """Say whether a file can be put there without hiding or replacing one that is not recorded.

        read-tree would write over what .gitignore names.
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
        """Say whether a file is still there, and not a folder or a link that has taken its place."""
        root = self._git.work_tree
        if any((root / parent).is_symlink() for parent in Path(path).parents[:-1]):
            return False
        return (root / path).is_symlink() or (root / path).is_file()

    def _may_write(self, paths: Collection[str]) -> None:
        """Raise before the first file is written where one of the folders is read-only."""
        for folder in {(self._git.work_tree / path).parent for path in paths}:
            nearest = next(place for place in (folder, *folder.parents) if place.is_dir())
            if not os.access(nearest, os.W_OK | os.X_OK):
                raise CheckpointFailed(
                    f"{nearest} may not be written", "give the daemon's user the right to write there"
                )


def _joined(paths: Sequence[str]) -> bytes:
    return b"".join(os.fsencode(path) + b"\0" for path in paths)
