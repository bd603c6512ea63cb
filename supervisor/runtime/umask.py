"""The umask of the daemon, which keeps what is ours to its user, and that of what works in projects."""

from __future__ import annotations

import os

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
