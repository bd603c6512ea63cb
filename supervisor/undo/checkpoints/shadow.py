"""The shadow repository of a project: records the states of its files, compares and restores them."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import ParamSpec, TypeVar

from supervisor.undo.checkpoints.git import COLLECT_SECONDS, SECONDS, CheckpointFailed, Git, GitFailed
from supervisor.undo.checkpoints.journal import JournalEntry, read_entry, remove_entry
from supervisor.undo.checkpoints.records import Change, Checkpoint, Reverted
from supervisor.undo.checkpoints.reversal import Conflict, Reversal
from supervisor.undo.checkpoints.rollback import roll_back, tree_after_rollback
from supervisor.undo.checkpoints.worktree import UNRECORDED, Found, LeftOut, Worktree

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

MAX_FILE_BYTES = 50_000_000
"""Larger files are left out of a checkpoint, which names them."""

MAX_DIFF_BYTES = 200_000
"""Longer diffs are cut."""

CUT = "\n[the difference is longer; the rest is left out]\n"

LOST = "the recorded state is lost, because the repository of recorded states was damaged"

REFS = "refs/checkpoints/"
"""Each checkpoint has a reference, named by its commit. `prune` deletes those that are not kept."""

LEFT_OUT = "\n\nLeft-Out: "
"""Begins the last line of a commit message: the paths that are left out, as JSON."""


REFUSED = "\n\nRules-Refused: yes"
"""Ends the message before that line where a rule of a .gitignore file was not applied."""


class StatesLost(CheckpointFailed):
    """A checkpoint is lost: the repository was damaged, now or earlier."""

    def __init__(self) -> None:
        super().__init__(LOST, "undo it by hand")


class ShadowRepository:
    """A git repository of ours, beside a project, whose commits are states of the project's folder.

    It is called a shadow because the project does not know of it: the project's own .git is neither read as a
    repository nor written. Files that .gitignore names are not recorded and never touched. Empty folders are not
    recorded either; a folder that is empty after an undo is removed.

    The calls run in threads, one at a time. There must be one object per `git_dir`.

    A crash loses nothing, by the order of the writes: a checkpoint is referenced before its id is returned, and an undo
    enters the journal before it writes the first file (see `reversal`). The next `revert` of the same checkpoints finds
    the entry, rolls the interrupted undo back and starts again; the next `record` accepts the files as they are.

    Args:
        project_path: absolute, symbolic links resolved.
        git_dir: the folder of the repository, which is created where it is missing.
        never: absolute folders that are left out, such as the daemon's state; `git_dir` always is.
        max_file_bytes: larger files are left out.
        search_path: where the git program is searched, like PATH; None = PATH of this process.
        seconds: time limit of one run of git, in seconds; a call takes about five runs.
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
        # A lock of threads, not of tasks: the thread of a cancelled caller goes on.
        self._lock = threading.Lock()

    async def record(self, message: str) -> Checkpoint:
        """Record the whole folder, including files that the project's own repository does not track.

        Raises:
            CheckpointFailed: git or the folder is missing, the disk is full, or the time limit is over.
        """
        return await _in_thread(self._locked_record, message)

    async def diff(self, before: str, after: str, *, limit: int = MAX_DIFF_BYTES) -> str:
        """Return the unified diff of two checkpoints; after `limit` bytes it is cut, and a last line says so."""
        return await _in_thread(self._diff, _checked(before), _checked(after), limit)

    async def patch(self, before: str, after: str, *, limit: int) -> tuple[bytes, bool]:
        """Return the patch of two checkpoints for `git apply`: at most `limit` bytes, and whether there is more."""
        return await _in_thread(self._read, _checked(before), _checked(after), limit, "--binary", "--full-index")

    async def content(self, blob: str, *, limit: int) -> tuple[bytes, bool]:
        """Return at most `limit` bytes of a recorded content, an id as in `Change`, and whether there is more."""
        return await _in_thread(self._content, _checked(blob), limit)

    async def changed(self, before: str, after: str) -> list[Change]:
        """Return the paths that differ between two checkpoints."""
        return await _in_thread(self._changed, _checked(before), _checked(after))

    async def revert(self, before: str, after: str, *, dry_run: bool) -> Reverted | Conflict:
        """Take back the changes from `before` to `after`, and keep later changes.

        A file that `before` does not contain only because it was ignored or left out stays as it is. If the same call
        comes again without a recording in between, the first was interrupted, or its caller was: this call starts again
        from the state in which the first started.

        Returns:
            Conflict where the same places were changed later, or while this ran; nothing was written then.

        Raises:
            CheckpointFailed: as in `record`, or the folder is not writable. The message says whether a failed write was
                rolled back.
        """
        return await _in_thread(self._revert, _checked(before), _checked(after), dry_run)

    async def prune(self, keep: Collection[str]) -> int:
        """Delete all checkpoints except some, free their disk space, and return how many were deleted."""
        return await _in_thread(self._prune, {_checked(commit) for commit in keep})

    async def take_over(self, other: Path) -> None:
        """Copy the checkpoints of another shadow repository into this one, which stay as they are there.

        Args:
            other: the folder of that repository.

        Raises:
            CheckpointFailed: they cannot be read or written.
        """
        await _in_thread(self._take_over, other)

    def _take_over(self, other: Path) -> None:
        with self._lock:
            self._git.prepare()
            self._git.run("fetch", "--quiet", "--no-tags", str(other), f"{REFS}*:{REFS}*", seconds=COLLECT_SECONDS)

    def _locked_record(self, message: str) -> Checkpoint:
        with self._lock:
            remove_entry(self._git)  # the user goes on from what an interrupted undo has left
            return self._record(message)

    def _record(self, message: str) -> Checkpoint:
        if not self._git.work_tree.is_dir():  # an empty folder can be recorded, a missing one cannot
            raise CheckpointFailed(f"{self._git.work_tree} is gone", "bring the folder back, or take it out of config")
        self._git.prepare()
        try:
            return self._take(message)
        except GitFailed as failed:
            if not self._is_damaged():
                raise
            self._begin_anew(failed)
            return replace(self._take(message), first=True)

    def _take(self, message: str) -> Checkpoint:
        found = self._update_index()
        tree = self._git.run("write-tree").decode().strip()
        refused = REFUSED if found.refused else ""
        return replace(self._commit(tree, message + refused, found.left_out), refused_rules=tuple(found.refused))

    def _is_damaged(self) -> bool:
        """Return whether objects of the repository are lost or unreadable. A full disk, for example, is no damage."""
        try:
            self._git.run("fsck", "--no-dangling", "--no-progress", "--no-reflogs")
        except GitFailed:
            return True
        return False

    def _begin_anew(self, failed: GitFailed) -> None:
        """Set the damaged repository aside and create a new one; earlier turns can no longer be undone."""
        git_dir = self._git.git_dir
        copies = len(list(git_dir.parent.glob(f"{git_dir.name}.damaged-*")))
        aside = git_dir.with_name(f"{git_dir.name}.damaged-{copies + 1}")
        git_dir.rename(aside)
        self._git.prepare()
        logger.error("%s: %s; set aside as %s: earlier turns cannot be undone", git_dir.name, failed, aside.name)

    @contextmanager
    def _opened(self, *commits: str) -> Iterator[None]:
        """Lock the repository for a `with` block that reads these checkpoints.

        Raises:
            StatesLost: one of them is lost, now or earlier.
        """
        with self._lock:
            self._git.prepare()
            try:
                yield
            except GitFailed as failed:
                if self._is_damaged():
                    self._begin_anew(failed)
                elif all(self._has(commit) for commit in commits):
                    raise
                raise StatesLost from None

    def _has(self, commit: str) -> bool:
        try:
            self._git.run("cat-file", "-e", f"{commit}^{{tree}}")
        except GitFailed:
            return False
        return True

    def _update_index(self) -> Found:
        try:
            return self._worktree.update_index()
        except GitFailed as failed:
            # The index is damaged, or a file has become something else meanwhile: start with a new index.
            logger.warning("%s: %s; the index is created again", self._git.git_dir.name, failed)
            (self._git.git_dir / self._git.index).unlink(missing_ok=True)
            self._git.prepare()
            return self._worktree.update_index()

    def _commit(self, tree: str, message: str, left_out: Sequence[LeftOut] = ()) -> Checkpoint:
        text = message.replace("\0", " ") + LEFT_OUT + json.dumps([left.path for left in left_out])
        given = text.encode(errors="replace")
        commit = self._git.run("commit-tree", tree, given=given).decode().strip()
        self._git.run("update-ref", f"{REFS}{commit}", commit)
        return Checkpoint(commit=commit, left_out=tuple(left_out))

    def _diff(self, before: str, after: str, limit: int) -> str:
        out, more = self._read(before, after, limit)
        return out.decode(errors="replace") + (CUT if more else "")

    def _read(self, before: str, after: str, limit: int, *more: str) -> tuple[bytes, bool]:
        options = ("--patch", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "-r", *more)
        with self._opened(before, after):
            return self._git.read("diff-tree", *options, before, after, limit=limit)

    def _content(self, blob: str, limit: int) -> tuple[bytes, bool]:
        with self._opened():
            return self._git.read("cat-file", "blob", blob, limit=limit)

    def _changed(self, before: str, after: str) -> list[Change]:
        with self._opened(before, after):
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
        with self._opened(before, after):
            undo = read_entry(self._git)
            if undo is None or (undo.before, undo.after) != (before, after):
                return self._reverted(before, after, dry_run)
            # The same undo was interrupted, or its caller was. It starts again, so that all of it can be taken back.
            trial = self._reverted(before, after, True, undo)
            if dry_run or isinstance(trial, Conflict):
                return trial
            roll_back(self._git, undo)
            return self._reverted(before, after, False)

    def _reverted(
        self, before: str, after: str, dry_run: bool, interrupted: JournalEntry | None = None
    ) -> Reverted | Conflict:
        """Revert from the present state, or from the state after the rollback of an interrupted undo."""
        now = self._record("before an undo")
        if interrupted is not None:
            now = self._commit(tree_after_rollback(self._git, interrupted), "before an undo", now.left_out)
        reversal = Reversal(self._git, self._worktree)
        appeared = [c.path for c in self._compare(before, after) if c.status == "A"]
        left_out, rules_refused = self._left_out(before)
        if kept := reversal.unrecorded(before, appeared, left_out, rules_refused=rules_refused):
            now_left_out = (*now.left_out, *(LeftOut(path, UNRECORDED) for path in kept))
            now = self._commit(reversal.without(kept), "before an undo", now_left_out)
        current = now.commit
        merged = reversal.merge(before, after, current)
        if isinstance(merged, Conflict):
            return merged
        changes = self._compare(current, merged)
        paths = tuple(change.path for change in changes)
        if dry_run:
            return Reverted(paths=paths, before=current, after=None)
        remove_entry(self._git)
        if not changes:
            return Reverted(paths=(), before=current, after=current)
        appearing, going = ([c.path for c in changes if c.status == status] for status in "AD")
        target = self._commit(merged, "after an undo").commit
        undo = JournalEntry(before=before, after=after, current=current, target=target)
        conflict = reversal.write(undo, appearing, {c.path for c in changes}, going)
        return conflict or Reverted(paths=paths, before=current, after=target)

    def _left_out(self, commit: str) -> tuple[list[str], bool]:
        """Return the paths that the recording of a commit left out, and whether it refused a rule."""
        text = self._git.run("show", "--no-patch", "--format=%B", commit).decode(errors="replace")
        message, _, paths = text.rpartition(LEFT_OUT)
        found: list[str] = json.loads(paths or "[]")
        return found, message.endswith(REFUSED)

    def _prune(self, keep: set[str]) -> int:
        with self._lock:
            self._git.prepare()
            self._repair_references()
            names = self._git.run("for-each-ref", "--format=%(refname)", REFS).decode().split()
            if (undo := read_entry(self._git)) is not None:
                keep = keep.union(undo.commits)
            old = [name for name in names if name.removeprefix(REFS) not in keep]
            self._git.run("update-ref", "--stdin", given="".join(f"delete {name}\n" for name in old).encode())
            self._git.run("gc", "--quiet", "--prune=now", seconds=COLLECT_SECONDS)
            return len(old)

    def _repair_references(self) -> None:
        """Write references again that a power cut left empty: `git gc` fails at them. Each is named by its commit."""
        for path in (self._git.git_dir / REFS).glob("*"):
            if path.stat().st_size == 0:
                path.unlink()
                if self._has(path.name):
                    self._git.run("update-ref", f"{REFS}{path.name}", path.name)


async def _in_thread(step: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Run a step in a thread.

    Raises:
        CheckpointFailed: raised by the step, or in place of an OSError: the disk is full, a permission is missing.
    """

    def run() -> T:
        try:
            return step(*arguments, **named)
        except OSError as error:
            remedy = "free disk space under state.dir, or check its rights"
            raise CheckpointFailed(error.strerror or type(error).__name__, remedy) from error

    return await asyncio.to_thread(run)


def _checked(commit: str) -> str:
    """Return a commit id. Anything else could be an option of git, and is refused."""
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise CheckpointFailed("no such checkpoint", "name one that `record` returned")
    return commit


def _blob(name: str) -> str | None:
    return name if name.strip("0") else None
