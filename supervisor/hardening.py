"""Keeps agents that run under the daemon's own uid out of its memory and environment."""

from __future__ import annotations

import ctypes
import logging
import resource
import sys

logger = logging.getLogger(__name__)

PR_SET_DUMPABLE = 4
"""prctl(2): 0 gives /proc/<pid> to root and forbids ptrace by the same uid."""


def harden() -> None:
    """Make this process unreadable to its own uid, without core dumps."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not sys.platform.startswith("linux"):
        return
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        logger.warning("agents may read the daemon's memory: prctl failed with errno %d", ctypes.get_errno())
