"""The permission bits of files. git records only whether a file is executable, and writes files with default bits."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

RIGHTS = 0o777
RUN = 0o111
READ = 0o444
FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read(root: Path, paths: Iterable[str]) -> dict[str, int]:
    """Return the permission bits of those paths that are regular files."""
    found = {}
    for path in paths:
        with suppress(OSError):
            status = (root / path).lstat()
            if stat.S_ISREG(status.st_mode):
                found[path] = status.st_mode & RIGHTS
    return found


def restore(root: Path, modes: Mapping[str, int]) -> None:
    """Give files back their permission bits; whether they are executable stays as git has written it.

    Symbolic links are not followed, since they could lead out of the project. A file that is missing or belongs to
    another user is skipped.
    """
    for path, mode in modes.items():
        with suppress(OSError):
            file = _open(root, path)
            try:
                status = os.fstat(file)
                runs = mode & RUN or (mode & READ) >> 2
                wanted = mode & ~RUN | (runs if status.st_mode & stat.S_IXUSR else 0)
                if stat.S_ISREG(status.st_mode) and status.st_mode & RIGHTS != wanted:
                    os.fchmod(file, wanted)
            finally:
                os.close(file)


def _open(root: Path, path: str) -> int:
    """Open a file, following no link below the root."""
    folder = os.open(root, FLAGS | os.O_DIRECTORY)
    *parents, name = Path(path).parts
    try:
        for parent in parents:
            inner = os.open(parent, FLAGS | os.O_DIRECTORY, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(name, FLAGS, dir_fd=folder)
    finally:
        os.close(folder)
