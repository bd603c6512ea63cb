"""Which files of a project's folder go into a checkpoint, and the update of the index with them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from supervisor.protocol.values.record import record
from supervisor.undo.checkpoints.git import Git, TooSlow, write_if_other
from supervisor.undo.checkpoints.ignore_rules import IgnoreRules, content_of, literal, rules_below

SHARE_FOR_RULES = 0.3
"""How much of its time limit git gets to list the files by all rules, before the rules are looked at."""

TOO_LARGE = "too large"
UNREADABLE = "not readable"
BAD_NAME = "a name that git keeps for itself"
CLOSED = re.compile(rb"^warning: could not open directory '(.*/)': Permission denied$", re.MULTILINE)
"""The warning of git for a folder that it may not read and skips."""

UNRECORDED = "not recorded before the turn"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file, or a whole folder, that is not in the checkpoint although no .gitignore names it.

    Attributes:
        path: relative to the project; a folder's ends with a slash.
        why: the reason, in a few words.
    """

    path: str
    why: str


@dataclass(slots=True)
class Found:
    """The differences between the folder and the index; paths are relative to the project, as bytes.

    Attributes:
        take: files and symbolic links that are new or changed.
        gone: tracked paths that are no longer files, or are left out now.
        left_out: files that are not taken. A file that is too large is reported by every recording.
        refused: rules of .gitignore files that take git too long, and are not applied.
        links: the symbolic links of `take`. Paths that were tracked below one are removed with the folder.
    """

    take: list[bytes] = field(default_factory=list)
    gone: list[bytes] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    links: set[bytes] = field(default_factory=set)


@record
class Worktree:
    """A project's folder and the rules by which its files are recorded.

    Attributes:
        git: for the shadow repository, never the project's own.
        max_bytes: larger files are left out.
        never: absolute folders that are left out, such as the daemon's state below the project.
    """

    git: Git
    max_bytes: int
    never: Sequence[Path]

    def update_index(self) -> Found:
        """Update the index to the state of the folder; the folder and its own .git are only read."""
        self._exclude()
        found = self.look()
        if found.gone:
            self.git.run("update-index", "--force-remove", "-z", "--stdin", given=_joined(found.gone))
        # --refresh: else read-tree would take a file for changed whose time alone is new.
        options = ("-q", "--refresh", "--add", "--remove", "--replace", "-z", "--stdin")
        self.git.run("update-index", *options, given=_joined(found.take))
        found.left_out.sort(key=lambda left: left.path)
        return found

    def look(self) -> Found:
        """Return the differences between the folder and the index.

        Raises:
            TooSlow: git takes too long, and not because of a rule in a .gitignore file.
        """
        found = Found()
        for path in self._differences(found):
            if path.endswith(b"/"):
                for inner in self._embedded(path, found):
                    self._sort(inner, found)
            else:
                self._sort(path, found)
        found.take = [path for path in found.take if not _is_below_any(path, found.links)]
        return found

    def _differences(self, found: Found) -> Iterable[bytes]:
        """Return the paths that are new, changed or gone; where a rule takes git too long, without that rule."""
        options = ("--others", "--modified")
        if not self._refusals.exists():
            try:
                seconds = self.git.seconds * SHARE_FOR_RULES
                return self._listed(self.git, b"", found, *options, "--exclude-standard", seconds=seconds)
            except TooSlow as slow:
                rules = self._rules()
                if not rules.refused:
                    raise slow
        else:
            rules = self._rules()
        # The next recording begins with these rules, as long as one of them has to be refused.
        if rules.refused:
            write_if_other(self._refusals, b"\n".join(rules.lines) + b"\n")
        else:
            self._refusals.unlink()
            return self._listed(self.git, b"", found, *options, "--exclude-standard")
        found.refused = rules.refused
        return self._listed(self.git, b"", found, *options, f"--exclude-from={self._refusals}")

    @property
    def _refusals(self) -> Path:
        """The file with the rules that are applied in place of all others; it exists where one was refused."""
        return self.git.git_dir / "info" / "rules"

    def _rules(self) -> IgnoreRules:
        return rules_below(self.git.work_tree, first=(self.git.git_dir / "info" / "exclude").read_bytes())

    def _listed(
        self, git: Git, folder: bytes, found: Found, *options: str, seconds: float | None = None
    ) -> Iterable[bytes]:
        """Return the paths that git lists in a folder; note the folders that it cannot open as left out."""
        listed, said = git.run_and_listen("ls-files", *options, "-z", seconds=seconds)
        found.left_out += [LeftOut(os.fsdecode(folder + closed), UNREADABLE) for closed in CLOSED.findall(said)]
        return dict.fromkeys(folder + path for path in _split(listed))

    def _embedded(self, folder: bytes, found: Found) -> Iterable[bytes]:
        """Yield the files of a git repository inside the project, of which git would record only the commit.

        Needed for its first recording only: git lists a folder normally once it tracks a file of it.
        """
        for path in self._inside(folder, found):
            if path.endswith(b"/"):
                yield from self._embedded(path, found)
            else:
                yield path

    def _inside(self, folder: bytes, found: Found) -> Iterable[bytes]:
        """Return the paths in an embedded repository; where a rule takes git too long, without that rule."""
        git = self.git.at(folder)
        slow: TooSlow | None = None
        if not found.refused:
            try:
                seconds = self.git.seconds * SHARE_FOR_RULES
                options = ("--others", "--exclude-per-directory=.gitignore")
                return self._listed(git, folder, found, *options, seconds=seconds)
            except TooSlow as error:
                slow = error
        rules = rules_below(git.work_tree)
        if slow is not None and not rules.refused:
            raise slow
        named = [os.fsdecode(folder) + rule for rule in rules.refused]
        found.refused += [rule for rule in named if rule not in found.refused]
        own = self.git.git_dir / "info" / "rules-inside"
        write_if_other(own, b"\n".join(rules.lines) + b"\n")
        return self._listed(git, folder, found, "--others", f"--exclude-from={own}")

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
        """Write the exclude file: that of the project, and the folders that are never recorded."""
        project = self.git.work_tree
        below = [never.relative_to(project) for never in self.never if project in never.parents]
        lines = [_own_exclude(project), *(literal(os.fsencode(path)) for path in below)]
        write_if_other(self.git.git_dir / "info" / "exclude", b"\n".join(lines) + b"\n")


def _own_exclude(project: Path) -> bytes:
    """Return the project's exclude file; empty where there is none, or .git is not an ordinary folder."""
    git = project / ".git"
    if git.is_symlink() or (git / "info").is_symlink():
        return b""
    return content_of(os.fsencode(git / "info" / "exclude"))


def _is_below(path: bytes, folder: bytes) -> bool:
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")


def _is_below_any(path: bytes, folders: set[bytes]) -> bool:
    parts = path.split(b"/")
    return bool(folders) and any(b"/".join(parts[:count]) in folders for count in range(1, len(parts)))


def _split(listed: bytes) -> list[bytes]:
    return [path for path in listed.split(b"\0") if path]


def _joined(paths: Iterable[bytes]) -> bytes:
    return b"".join(path + b"\0" for path in paths)
