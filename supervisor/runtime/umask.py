"""The umask of the daemon, which keeps what is ours to its user, and that of what works in projects."""

from __future__ import annotations

import os
from pathlib import Path

OURS = 0o077
"""Files and folders of the daemon are for its user alone."""


def _current() -> int:
    """Return the umask of this process; it can only be read by setting it."""
    umask = os.umask(OURS)
    os.umask(umask)
    return umask


OF_PROJECTS = _current()
"""The umask with which the daemon was started. Agents, and git in a project, keep it: their files belong to people."""


def keep_private() -> None:
    """Create every file and folder from now on for the user of this process alone."""
    os.umask(OURS)


def write_private(path: Path, content: bytes) -> None:
    """Write a file in a folder of its own, durably; it is complete once it has its name. Slow: call it in a thread."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.parent.chmod(0o700)
    new = path.with_name(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
