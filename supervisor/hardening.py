"""Keeps agents that run under the daemon's own uid out of its memory and environment."""

from __future__ import annotations

import ctypes
import logging
import resource
import sys

logger = logging.getLogger(__name__)

OPEN_FILES = 65_536
"""Sockets and files at a time: 10,000 clients and what the sessions need."""

PR_SET_DUMPABLE = 4
"""prctl(2): 0 gives /proc/<pid> to root and forbids ptrace by the same uid."""


def harden() -> None:
    """Make this process unreadable to its own uid, without core dumps, and let it hold its clients' sockets."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    if not sys.platform.startswith("linux"):
        return
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        logger.warning("agents may read the daemon's memory: prctl failed with errno %d", ctypes.get_errno())
