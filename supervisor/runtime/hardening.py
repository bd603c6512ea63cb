"""Keeps agents that run under the daemon's own uid out of its memory and environment."""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import sys
from pathlib import Path

logger = logging.getLogger(__name__)

OPEN_FILES = 65_536
"""Sockets and files at a time: 10,000 clients and what the sessions need."""

PR_SET_DUMPABLE = 4
"""prctl(2): 0 gives /proc/<pid> to root and forbids ptrace by the same uid."""


ENV_START, ENV_END = 47, 48
"""Of the fields after the name in /proc/self/stat (proc(5) counts from 1 and names it the 2nd): 50 and 51 there."""


def harden() -> None:
    """Make this process unreadable to its own uid, without core dumps, and let it hold its clients' sockets.

    Its environment goes out of /proc for root, too: an agent that looks round there finds no secret.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    if not sys.platform.startswith("linux"):
        return
    try:
        forget_environment()
    except (OSError, ValueError, IndexError) as error:
        logger.warning("the daemon's environment can be read in /proc by root: %s", error)
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        logger.warning("agents may read the daemon's memory: prctl failed with errno %d", ctypes.get_errno())


def forget_environment() -> None:
    """Move the environment elsewhere in memory and blank the place that /proc/self/environ shows.

    Raises:
        OSError: there is no /proc, or it is not ours to read.
        ValueError: the place is not where the kernel says.
    """
    stat = Path("/proc/self/stat").read_bytes()
    fields = stat[stat.rfind(b")") + 2 :].split()
    start, end = int(fields[ENV_START]), int(fields[ENV_END])
    shown = Path("/proc/self/environ").read_bytes()
    if start <= 0 or end - start != len(shown):
        raise ValueError("it is not where /proc/self/stat says")
    if ctypes.string_at(start, len(shown)) != shown:
        raise ValueError("it is not what /proc/self/environ says")
    for name, value in os.environb.items():
        os.putenv(name, value)  # a copy of its own, which libc and what it starts read from now on
    ctypes.memset(start, 0, len(shown))
