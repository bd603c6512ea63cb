"""An undo that was cut off: noted before it writes, so that what it left half done can be put back."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from supervisor.checkpoints.git import Git

NOTE = "unfinished.json"
"""The file in our repository that names the last undo which has begun to write."""

INDEX = "put-back"
"""The index file from which something is put back; ours may be in any state by then."""

NO_FILE = "000000"
"""The mode of what is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """An undo that has begun to write, and whose caller may not have heard of its end.

    Attributes:
        before, after: the checkpoints whose difference it takes back.
        current: the checkpoint from which it began.
        target: the checkpoint that it was to bring about.
    """

    before: str
    after: str
    current: str
    target: str

    @property
    def commits(self) -> Collection[str]:
        """Return what must not be forgotten."""
        return (self.before, self.after, self.current, self.target)


@dataclass(frozen=True, slots=True)
class _Step:
    """A path before an undo and behind it, as git names modes and contents."""

    path: bytes
    old_mode: str
    new_mode: str
    old_blob: str
    new_blob: str


def note(git: Git, unfinished: Unfinished) -> None:
    """Write down, to survive a power failure, that an undo begins to write."""
    with (git.git_dir / NOTE).open("w", encoding="utf-8") as file:
        json.dump(asdict(unfinished), file)
        file.flush()
        os.fsync(file.fileno())


def noted(git: Git) -> Unfinished | None:
    """Return the last undo that began to write; None where a turn has begun since, or it was put back."""
    try:
        return Unfinished(**json.loads((git.git_dir / NOTE).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def forget(git: Git) -> None:
    """Take the note away: nothing is to be put back any more."""
    (git.git_dir / NOTE).unlink(missing_ok=True)


def put_back(git: Git, unfinished: Unfinished) -> None:
    """Bring the folder back to what it was before an undo, but for what somebody has changed since.

    Raises:
        CheckpointFailed, OSError: not all of it could be put back.
    """
    steps = _half_done(git, unfinished)
    for step in steps:
        if step.old_mode == NO_FILE:
            _remove(git.work_tree, step.path)
    wanted = [step.path for step in steps if step.old_mode != NO_FILE and not _is_folder(git.work_tree, step.path)]
    beside = replace(git, index=INDEX)
    try:
        beside.run("read-tree", unfinished.current)
        beside.run("checkout-index", "--force", "-z", "--stdin", given=b"".join(path + b"\0" for path in wanted))
    finally:
        (git.git_dir / INDEX).unlink(missing_ok=True)


def as_if_put_back(git: Git, unfinished: Unfinished) -> str:
    """Return the tree of the index, which holds the present state, as it would be if all were put back."""
    entries = [
        f"{step.old_mode} {step.old_blob}\t".encode() + step.path + b"\0" for step in _half_done(git, unfinished)
    ]
    git.run("update-index", "-z", "--index-info", given=b"".join(entries))
    return git.run("write-tree").decode().strip()


def _half_done(git: Git, unfinished: Unfinished) -> list[_Step]:
    """Return the steps that were taken, whole or in part, and whose files nobody has changed since."""
    listed = git.run(
        "diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", unfinished.current, unfinished.target
    )
    fields = listed.split(b"\0")
    steps = []
    for head, path in zip(fields[0::2], fields[1::2], strict=False):
        old_mode, new_mode, old_blob, new_blob, _ = head.decode().removeprefix(":").split()
        steps.append(_Step(path, old_mode, new_mode, old_blob, new_blob))
    return [step for step in steps if _was_taken(git, step)]


def _was_taken(git: Git, step: _Step) -> bool:
    """Say whether a file is gone, or what is there is the new one, or the beginning of one of both.

    git removes a file before it writes the other one, also where it puts one back.
    """
    path = git.work_tree / os.fsdecode(step.path)
    if _is_behind_link(git.work_tree, step.path):
        return False
    try:
        found = os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes() if path.is_file() else None
    except OSError:
        return False
    if found is None:
        return step.old_mode != NO_FILE
    if step.new_mode == NO_FILE:
        return False
    blobs = [step.new_blob] if step.old_mode == NO_FILE else [step.new_blob, step.old_blob]
    return any(git.run("cat-file", "blob", blob).startswith(found) for blob in blobs)


def _remove(root: Path, path: bytes) -> None:
    """Remove a file that an undo has made, and the folders that are empty without it."""
    file = root / os.fsdecode(path)
    file.unlink(missing_ok=True)
    with suppress(OSError):
        for folder in _folders(root, path):
            folder.rmdir()


def _is_folder(root: Path, path: bytes) -> bool:
    """Say whether something has a folder of the name now, which may hold what is not ours."""
    try:
        return stat.S_ISDIR((root / os.fsdecode(path)).lstat().st_mode)
    except OSError:
        return False


def _is_behind_link(root: Path, path: bytes) -> bool:
    return any(folder.is_symlink() for folder in _folders(root, path))


def _folders(root: Path, path: bytes) -> Sequence[Path]:
    """Return the folders of a path below the root, the innermost first."""
    return [root / folder for folder in Path(os.fsdecode(path)).parents][:-1]
