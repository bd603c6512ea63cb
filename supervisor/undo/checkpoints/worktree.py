"""What of a project's folder goes into a checkpoint, and putting it into the index."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from supervisor.undo.checkpoints.git import Git, write_if_other

MAX_EXCLUDE_BYTES = 65_536
"""More of a project's .git/info/exclude is not read."""

TOO_LARGE = "too large"
UNREADABLE = "not readable"
BAD_NAME = "a name that git keeps for itself"
CLOSED = re.compile(rb"^warning: could not open directory '(.*/)': Permission denied$", re.MULTILINE)
"""What git says of a folder that it may not read, and passes over."""

UNRECORDED = "not recorded before the turn"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file, or a folder with all that lies in it, that is not in the checkpoint although no .gitignore names it.

    Attributes:
        path: relative to the project; a folder's ends with a slash.
        why: a few words.
    """

    path: str
    why: str


@dataclass(slots=True)
class Found:
    """What differs from the index: paths relative to the project, as the system has them.

    Attributes:
        take: files and symbolic links that are new or other than before.
        gone: tracked paths that are no files any more, or are left out now.
        left_out: files that were seen and not taken; those that are still large are seen every time.
        links: the symbolic links of `take`: what was tracked below one goes with its folder.
    """

    take: list[bytes] = field(default_factory=list)
    gone: list[bytes] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    links: set[bytes] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worktree:
    """A project's folder as git is to see it.

    Attributes:
        git: its repository is ours, never the project's.
        max_bytes: size up to which a file is taken.
        never: absolute folders that are left out, such as our own state below the project.
    """

    git: Git
    max_bytes: int
    never: Sequence[Path]

    def into_index(self) -> list[LeftOut]:
        """Bring the index to the state of the folder; the folder and its own .git are only read."""
        self._exclude()
        found = self.look()
        if found.gone:
            self.git.run("update-index", "--force-remove", "-z", "--stdin", given=_joined(found.gone))
        # --refresh: a file that was only touched would look changed to read-tree.
        options = ("-q", "--refresh", "--add", "--remove", "--replace", "-z", "--stdin")
        self.git.run("update-index", *options, given=_joined(found.take))
        return sorted(found.left_out, key=lambda left: left.path)

    def look(self) -> Found:
        """Compare the folder with the index."""
        found = Found()
        for path in self._listed(self.git, b"", found, "--others", "--modified", "--exclude-standard"):
            if path.endswith(b"/"):
                for inner in self._embedded(path, found):
                    self._sort(inner, found)
            else:
                self._sort(path, found)
        found.take = [path for path in found.take if not _is_below_any(path, found.links)]
        return found

    def _listed(self, git: Git, folder: bytes, found: Found, *options: str) -> Iterable[bytes]:
        """Return what git lists in a folder; the folders that it cannot open are left out."""
        listed, said = git.run_and_listen("ls-files", *options, "-z")
        found.left_out += [LeftOut(os.fsdecode(folder + closed), UNREADABLE) for closed in CLOSED.findall(said)]
        return dict.fromkeys(folder + path for path in _split(listed))

    def _embedded(self, folder: bytes, found: Found) -> Iterable[bytes]:
        """Yield the files of a repository inside the project: git would note its commit and not its files.

        Only the first time: git walks through a folder of which it tracks a file, as through any other.
        """
        options = ("--others", "--exclude-per-directory=.gitignore")
        for path in self._listed(self.git.at(folder), folder, found, *options):
            if path.endswith(b"/"):
                yield from self._embedded(path, found)
            else:
                yield path

    def _sort(self, path: bytes, found: Found) -> None:
        absolute = os.path.join(os.fsencode(self.git.work_tree), path)
        if any(_is_below(absolute, os.fsencode(never)) for never in self.never):
            found.gone.append(path)
            return
        try:
            status = os.lstat(absolute)
        except OSError as error:
            found.gone.append(path)
            if isinstance(error, PermissionError):
                found.left_out.append(LeftOut(os.fsdecode(path), UNREADABLE))
            return
        why = self._reason_against(path, absolute, status)
        if why is None and (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
            found.take.append(path)
            if stat.S_ISLNK(status.st_mode):
                found.links.add(path)
            return
        found.gone.append(path)
        if why is not None:
            found.left_out.append(LeftOut(os.fsdecode(path), why))

    def _reason_against(self, path: bytes, absolute: bytes, status: os.stat_result) -> str | None:
        if any(part.lower() == b".git" for part in path.split(b"/")):
            return BAD_NAME
        if not stat.S_ISREG(status.st_mode):
            return None
        if status.st_size > self.max_bytes:
            return TOO_LARGE
        return None if os.access(absolute, os.R_OK) else UNREADABLE

    def _exclude(self) -> None:
        """Copy the project's own .git/info/exclude, and leave out what is never taken."""
        project = self.git.work_tree
        below = [never.relative_to(project) for never in self.never if project in never.parents]
        lines = [_own_exclude(project), *(_pattern(os.fsencode(path)) for path in below)]
        write_if_other(self.git.git_dir / "info" / "exclude", b"\n".join(lines) + b"\n")


def _own_exclude(project: Path) -> bytes:
    """Return the project's exclude file; empty where there is none, or .git is no plain folder."""
    git = project / ".git"
    if git.is_symlink() or (git / "info").is_symlink():
        return b""
    try:
        handle = os.open(git / "info" / "exclude", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return b""
        return file.read(MAX_EXCLUDE_BYTES)


def _pattern(path: bytes) -> bytes:
    """Return the pattern that means this path alone."""
    escaped = b"".join(b"\\" + bytes((byte,)) if byte in b"\\*?[ " else bytes((byte,)) for byte in path)
    return b"/" + escaped


def _is_below(path: bytes, folder: bytes) -> bool:
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")


def _is_below_any(path: bytes, folders: set[bytes]) -> bool:
    parts = path.split(b"/")
    return bool(folders) and any(b"/".join(parts[:count]) in folders for count in range(1, len(parts)))


def _split(listed: bytes) -> list[bytes]:
    return [path for path in listed.split(b"\0") if path]


def _joined(paths: Iterable[bytes]) -> bytes:
    return b"".join(path + b"\0" for path in paths)
