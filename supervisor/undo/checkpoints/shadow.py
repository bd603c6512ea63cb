"""The states of one project's files, kept in a git repository of our own: record, compare, bring back."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

from supervisor.undo.checkpoints.git import COLLECT_SECONDS, SECONDS, CheckpointFailed, Git, GitFailed
from supervisor.undo.checkpoints.undoing import Conflict, Undoing
from supervisor.undo.checkpoints.unfinished import Unfinished, as_if_put_back, forget, noted, put_back
from supervisor.undo.checkpoints.worktree import UNRECORDED, LeftOut, Worktree

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

MAX_FILE_BYTES = 50_000_000
"""Larger files are left out and named."""

MAX_DIFF_BYTES = 200_000
"""Longer differences are cut."""

CUT = "\n[the difference is longer; the rest is left out]\n"

REFS = "refs/checkpoints/"
"""Each checkpoint has a reference of its own, named by its commit: what `prune` does not keep is forgotten."""

LEFT_OUT = "\n\nLeft-Out: "
"""Last line of a message: the paths that are not in the commit, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A recorded state.

    Attributes:
        commit: its id, 40 hexadecimal digits.
        left_out: files that are not in it although no .gitignore names them.
    """

    commit: str
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One path that differs between two checkpoints.

    Attributes:
        path: relative to the project; bytes that are no UTF-8 are surrogates, as `os.fsdecode` gives them.
        status: A(dded), D(eleted), M(odified) or T (another type: file, symbolic link).
        before_blob, after_blob: ids of the contents; None where there is no such file.
    """

    path: str
    status: str
    before_blob: str | None
    after_blob: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverted:
    """The changes were taken back, or with dry_run could be.

    Attributes:
        paths: what is other than before; empty where there was nothing to take back.
        before, after: checkpoints around the undo: `revert(before, after)` takes the undo back. `after` is None with
            dry_run, and where nothing changed it is `before`.
    """

    paths: tuple[str, ...]
    before: str
    after: str | None


class Shadow:
    """The shadow repository of one project. Its calls wait for each other; each runs in a thread.

    The project's own .git is neither read as a repository nor written. What .gitignore names is not
    recorded and never touched; nor are empty folders, but one that a turn filled is gone with its files after an undo.
    One Shadow per `git_dir` at a time.

    Args:
        project_path: absolute, symlinks resolved.
        git_dir: where the repository lies or shall lie.
        never: absolute folders that are left out, such as the daemon's state; `git_dir` always is.
        max_file_bytes: larger files are left out and named.
        search_path: where git is looked for, as PATH; None = where this process looks.
        seconds: limit of one run of git; a step takes a handful of them.
    """

    def __init__(
        self,
        project_path: Path,
        git_dir: Path,
        *,
        never: Sequence[Path] = (),
        max_file_bytes: int = MAX_FILE_BYTES,
        search_path: str | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._git = Git(git_dir=git_dir, work_tree=project_path, search_path=search_path, seconds=seconds)
        self._worktree = Worktree(git=self._git, max_bytes=max_file_bytes, never=(git_dir, *never))
        # Of threads, not of tasks: a cancelled caller leaves its thread at work.
        self._lock = threading.Lock()

    async def record(self, message: str) -> Checkpoint:
        """Record the whole folder, files that its own repository does not track included.

        Raises:
            CheckpointFailed: no git, no folder, no space, time over.
        """
        return await _in_thread(self._locked_record, message)

    async def diff(self, before: str, after: str, *, limit: int = MAX_DIFF_BYTES) -> str:
        """Return the unified difference of two checkpoints, cut after `limit` bytes with a line that says so."""
        return await _in_thread(self._diff, _checked(before), _checked(after), limit)

    async def changed(self, before: str, after: str) -> list[Change]:
        """Return the paths that differ between two checkpoints."""
        return await _in_thread(self._changed, _checked(before), _checked(after))

    async def revert(self, before: str, after: str, *, dry_run: bool) -> Reverted | Conflict:
        """Take back what changed from `before` to `after`, and keep what was changed since.

        A file that was not recorded in `before` only because it was ignored or left out stays as it is. Asked the
        same again with no recording in between, it begins anew from where it began: it was cut off, or its caller was.

        Returns:
            Conflict where the same places were changed since, or while this ran: nothing was touched.

        Raises:
            CheckpointFailed: as in `record`, or the project may not be written; says what is left half done, if any is.
        """
        return await _in_thread(self._revert, _checked(before), _checked(after), dry_run)

    async def prune(self, keep: Collection[str]) -> int:
        """Forget all checkpoints but those to keep, free their space, and return how many were forgotten."""
        return await _in_thread(self._prune, {_checked(commit) for commit in keep})

    def _locked_record(self, message: str) -> Checkpoint:
        with self._lock:
            forget(self._git)  # what an undo left half done is what somebody goes on from
            return self._record(message)

    def _record(self, message: str) -> Checkpoint:
        if not self._git.work_tree.is_dir():  # an empty folder is a state, a missing one is none
            raise CheckpointFailed(f"{self._git.work_tree} is gone", "bring the folder back, or take it out of config")
        self._git.prepare()
        left_out = self._into_index()
        tree = self._git.run("write-tree").decode().strip()
        return self._commit(tree, message, left_out)

    def _into_index(self) -> list[LeftOut]:
        try:
            return self._worktree.into_index()
        except GitFailed as failed:
            # A damaged index, or a file that became something else meanwhile: once more from nothing.
            logger.warning("%s: %s; the index is built anew", self._git.git_dir.name, failed)
            (self._git.git_dir / self._git.index).unlink(missing_ok=True)
            self._git.prepare()
            return self._worktree.into_index()

    def _commit(self, tree: str, message: str, left_out: Sequence[LeftOut] = ()) -> Checkpoint:
        text = message.replace("\0", " ") + LEFT_OUT + json.dumps([left.path for left in left_out])
        given = text.encode(errors="replace")
        commit = self._git.run("commit-tree", tree, given=given).decode().strip()
        self._git.run("update-ref", f"{REFS}{commit}", commit)
        return Checkpoint(commit=commit, left_out=tuple(left_out))

    def _diff(self, before: str, after: str, limit: int) -> str:
        options = ("--patch", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "-r")
        with self._lock:
            out, more = self._git.read("diff-tree", *options, before, after, limit=limit)
        return out.decode(errors="replace") + (CUT if more else "")

    def _changed(self, before: str, after: str) -> list[Change]:
        with self._lock:
            return self._compare(before, after)

    def _compare(self, before: str, after: str) -> list[Change]:
        listed = self._git.run("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", before, after)
        fields = listed.split(b"\0")
        changes = []
        for head, path in zip(fields[0::2], fields[1::2], strict=False):
            _, _, old, new, status = head.decode().split()
            changes.append(Change(path=os.fsdecode(path), status=status, before_blob=_blob(old), after_blob=_blob(new)))
        return changes

    def _revert(self, before: str, after: str, dry_run: bool) -> Reverted | Conflict:
        with self._lock:
            undo = noted(self._git)
            if undo is None or (undo.before, undo.after) != (before, after):
                return self._reverted(before, after, dry_run)
            # The same undo was cut off, or nobody heard of its end: it begins anew, so that it can be taken back whole.
            trial = self._reverted(before, after, True, undo)
            if dry_run or isinstance(trial, Conflict):
                return trial
            put_back(self._git, undo)
            return self._reverted(before, after, False)

    def _reverted(
        self, before: str, after: str, dry_run: bool, unfinished: Unfinished | None = None
    ) -> Reverted | Conflict:
        """Revert, as if an unfinished undo were put back."""
        now = self._record("before an undo")
        if unfinished is not None:
            now = self._commit(as_if_put_back(self._git, unfinished), "before an undo", now.left_out)
        undoing = Undoing(self._git, self._worktree)
        appeared = [c.path for c in self._compare(before, after) if c.status == "A"]
        if kept := undoing.unrecorded(before, appeared, self._left_out(before)):
            left_out = (*now.left_out, *(LeftOut(path, UNRECORDED) for path in kept))
            now = self._commit(undoing.without(kept), "before an undo", left_out)
        current = now.commit
        merged = undoing.merge(before, after, current)
        if isinstance(merged, Conflict):
            return merged
        changes = self._compare(current, merged)
        paths = tuple(change.path for change in changes)
        if dry_run:
            return Reverted(paths=paths, before=current, after=None)
        forget(self._git)
        if not changes:
            return Reverted(paths=(), before=current, after=current)
        appearing, going = ([c.path for c in changes if c.status == status] for status in "AD")
        target = self._commit(merged, "after an undo").commit
        undo = Unfinished(before=before, after=after, current=current, target=target)
        conflict = undoing.write(undo, appearing, {c.path for c in changes}, going)
        return conflict or Reverted(paths=paths, before=current, after=target)

    def _left_out(self, commit: str) -> list[str]:
        text = self._git.run("show", "--no-patch", "--format=%B", commit).decode(errors="replace")
        found: list[str] = json.loads(text.rpartition(LEFT_OUT)[2] or "[]")
        return found

    def _prune(self, keep: set[str]) -> int:
        with self._lock:
            self._git.prepare()
            names = self._git.run("for-each-ref", "--format=%(refname)", REFS).decode().split()
            if (undo := noted(self._git)) is not None:
                keep = keep.union(undo.commits)
            old = [name for name in names if name.removeprefix(REFS) not in keep]
            self._git.run("update-ref", "--stdin", given="".join(f"delete {name}\n" for name in old).encode())
            self._git.run("gc", "--quiet", "--prune=now", seconds=COLLECT_SECONDS)
            return len(old)


async def _in_thread(step: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Run a step in a thread; what the disk refuses is a failure like any other of git's.

    Raises:
        CheckpointFailed: as the step says, or no space, no right.
    """

    def run() -> T:
        try:
            return step(*arguments, **named)
        except OSError as error:
            remedy = "free disk space under state.dir, or check its rights"
            raise CheckpointFailed(error.strerror or type(error).__name__, remedy) from error

    return await asyncio.to_thread(run)


def _checked(commit: str) -> str:
    """Return an id that is one; anything else could be an option of git's."""
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise CheckpointFailed("no such checkpoint", "name one that `record` returned")
    return commit


def _blob(name: str) -> str | None:
    return name if name.strip("0") else None
