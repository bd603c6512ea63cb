"""Reads /proc, and tells what is not there from what cannot be read now."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from supervisor.protocol.errors import TemporaryFailure

PROC = Path("/proc")
BLOCK = 65_536

FACTS = frozenset({errno.ENOENT, errno.ESRCH, errno.ENOTDIR, errno.EACCES, errno.EPERM})
"""Errors that tell a fact: a process has ended, does not exist, or belongs to another user. All others tell nothing."""


class Unknowable(TemporaryFailure):
    """The kernel could not be asked, e.g. because no file descriptor is free. This is neither a yes nor a no."""

    def __init__(self, why: OSError) -> None:
        super().__init__(f"the process at the other end cannot be looked up now: {why.strerror or why}")


@contextmanager
def only_facts() -> Iterator[None]:
    """Suppress errors that tell a fact.

    Raises:
        Unknowable: any other error.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FACTS:
            raise Unknowable(error) from error


def read(path: Path | str) -> bytes:
    """Return the content of a file; empty if there is none, or it may not be read.

    Raises:
        Unknowable: it cannot be read now.
    """
    content = b""
    with only_facts():
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            while block := os.read(descriptor, BLOCK):
                content += block
        finally:
            os.close(descriptor)
    return content


def listing(path: Path | str) -> list[str]:
    """Return the names in a folder; none if there is no such folder, or it may not be read.

    Raises:
        Unknowable: it cannot be read now.
    """
    with only_facts():
        return os.listdir(path)
    return []
