"""The rights of files: git keeps only whether a file can be run, and gives the usual ones to each that it writes."""

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


def of(root: Path, paths: Iterable[str]) -> dict[str, int]:
    """Return the rights of those paths that are plain files."""
    found = {}
    for path in paths:
        with suppress(OSError):
            status = (root / path).lstat()
            if stat.S_ISREG(status.st_mode):
                found[path] = status.st_mode & RIGHTS
    return found


def give_back(root: Path, modes: Mapping[str, int]) -> None:
    """Give files the rights that they had; whether they can be run is left as it is.

    Never through a link, which could lead out of the project; a file that is gone, or another's, is passed over.
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
