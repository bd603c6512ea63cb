"""Files of a project that other programs run or obey: changing them needs approval, also where edits are allowed."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from supervisor.permissions.paths import is_inside, places_of
from supervisor.protocol.status import PROTECTED

ALWAYS = (".git", ".claude", ".mcp.json")
"""Names that no configuration takes from the list."""

IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
"""Characters that HFS+ leaves out when it compares names (git's `core.protectHFS`)."""


@dataclass(frozen=True, slots=True)
class Protection:
    """What `is_protected` knows besides the path.

    Attributes:
        names: `[approvals] protected`: names, or several joined by "/".
        coming: the files that calls which were allowed are about to write, as `places_of` returns them. Subagents
            write at the same time.
    """

    names: Sequence[str] = PROTECTED
    coming: Collection[str] = ()


DEFAULT = Protection()


def is_protected(path: str, project_path: str, base: str = "", *, protection: Protection = DEFAULT) -> bool:
    """Return whether a path of a project is a protected one, as it is written or with symbolic links followed.

    Protected are the names of `ALWAYS` and `names`, in any folder and in upper or lower case. So is what makes a git
    repository of a folder, since `git status` in a repository runs what its `config` names.

    Args:
        path: it lies inside the project, see `is_inside`.
        project_path: absolute, symbolic links resolved.
        base: where a relative path starts; empty = in the project.
    """
    for place in places_of(path, base or project_path):
        inner = os.path.relpath(place, project_path)
        parts = fold(inner).split(os.sep)
        if _contains(parts, _by_first_part((*ALWAYS, *protection.names))):
            return True
        if is_inside(place, project_path):
            folders = _Folders(protection.coming)
            if _is_of_repository(folders, project_path, inner.split(os.sep), parts):
                return True
    return False


def fold(name: str) -> str:
    """Return a name or a path as a file system compares it that ignores upper and lower case."""
    return IGNORED.sub("", name).casefold()


@lru_cache(maxsize=8)
def _by_first_part(names: Sequence[str]) -> Mapping[str, Sequence[Sequence[str]]]:
    found = defaultdict(list)
    for name in names:
        parts = fold(name).strip("/").split("/")
        found[parts[0]].append(parts)
    return dict(found)


def _contains(parts: Sequence[str], names: Mapping[str, Sequence[Sequence[str]]]) -> bool:
    """Return whether the parts of a name follow each other in a path."""
    for at, part in enumerate(parts):
        if part in names and any(parts[at : at + len(name)] == name for name in names[part]):
            return True
    return False


@dataclass(frozen=True, slots=True)
class _Folders:
    """The content of folders, as it is or as it is about to be."""

    coming: Collection[str]

    def exists(self, folder: str) -> bool:
        """Return whether a folder is there."""
        return os.path.isdir(folder) or any(path.startswith(folder + os.sep) for path in self.coming)

    def has_folder(self, folder: str, *names: str) -> bool:
        """Return whether a folder has a folder with one of these names."""
        return any(self.exists(os.path.join(folder, name)) for name in names)

    def has_file(self, folder: str, *names: str) -> bool:
        """Return whether a folder has a file with one of these names; a link that leads nowhere counts."""
        paths = [os.path.join(folder, name) for name in names]
        return any(path in self.coming or (os.path.lexists(path) and not os.path.isdir(path)) for path in paths)


def _is_of_repository(folders: _Folders, project_path: str, inner: Sequence[str], folded: Sequence[str]) -> bool:
    """Return whether a path belongs to a git repository without `.git`, or would make one of a folder.

    git takes a folder for a repository that has `HEAD`, `objects` and `refs`, and reads `config` in it. In whatever
    order they are written, there comes one of them beside the other.
    """
    folder = project_path
    for at, name in enumerate(folded):
        if not folders.exists(folder):
            return False
        if (name in ("config", "head") and at == len(folded) - 1) and folders.has_folder(folder, "objects", "refs"):
            return True
        if name in ("objects", "refs") and folders.has_file(folder, "HEAD", "config"):
            return True
        if (
            folders.has_file(folder, "HEAD")
            and folders.has_folder(folder, "objects")
            and folders.has_folder(folder, "refs")
        ):
            return True
        folder = os.path.join(folder, inner[at])
    return False
