"""An undo that was cut off: noted before it writes, so that what it left half done can be put back."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from supervisor.undo.checkpoints.git import Git
from supervisor.undo.checkpoints.steps import Step, into_index, steps

NOTE = "unfinished.json"
"""The file in our repository that names the last undo which has begun to write."""

INDEX = "put-back"
"""The index file from which something is put back; ours may be in any state by then."""


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
    taken = _half_done(git, unfinished)
    for step in taken:
        if step.old is None:
            _remove(git.work_tree, step.path)
    wanted = [step.path for step in taken if step.old is not None and not _is_folder(git.work_tree, step.path)]
    beside = replace(git, index=INDEX)
    try:
        (git.git_dir / f"{INDEX}.lock").unlink(missing_ok=True)  # of one that was killed
        beside.run("read-tree", unfinished.current)
        beside.run("checkout-index", "--force", "-z", "--stdin", given=b"".join(path + b"\0" for path in wanted))
    finally:
        (git.git_dir / INDEX).unlink(missing_ok=True)


def as_if_put_back(git: Git, unfinished: Unfinished) -> str:
    """Return the tree of the index, which holds the present state, as it would be if all were put back."""
    return into_index(git, {step.path: step.old for step in _half_done(git, unfinished)})


def _half_done(git: Git, unfinished: Unfinished) -> list[Step]:
    """Return the steps that were taken, whole or in part, and whose files nobody has changed since."""
    taken: dict[bytes, Step] = {}
    for step in steps(git, unfinished.current, unfinished.target):
        if _was_taken(git, step, taken):
            taken[step.path] = step
    return list(taken.values())


def _was_taken(git: Git, step: Step, before: Mapping[bytes, Step]) -> bool:
    """Say whether a file is gone, or what is there is the new one, or the beginning of one of both.

    git removes a file before it writes the other one, also where it puts one back.

    Args:
        before: the steps that were taken, of those that come before it.
    """
    path = git.work_tree / os.fsdecode(step.path)
    if (link := _link_on_the_way(git.work_tree, step.path)) is not None:
        return link in before and step.old is not None  # of the undo's own, in place of the folder
    try:
        found = os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes() if path.is_file() else None
    except OSError:
        return False
    if found is None:
        return step.old is not None
    both = (entry for entry in (step.old, step.new) if entry is not None)
    return any(git.run("cat-file", "blob", entry.blob).startswith(found) for entry in both)


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


def _link_on_the_way(root: Path, path: bytes) -> bytes | None:
    """Return the path of the link that lies where a folder of a path should; None where there is none."""
    links = (folder for folder in reversed(_folders(root, path)) if folder.is_symlink())
    return next((os.fsencode(link.relative_to(root)) for link in links), None)


def _folders(root: Path, path: bytes) -> Sequence[Path]:
    """Return the folders of a path below the root, the innermost first."""
    return [root / folder for folder in Path(os.fsdecode(path)).parents][:-1]
