"""Protects the memory and environment of the daemon from agents that run under the same uid."""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import sys
from pathlib import Path

logger = logging.getLogger(__name__)

OPEN_FILES = 65_536
"""Open sockets and files that the daemon wants: 10,000 clients and the pipes of sessions."""

PR_SET_DUMPABLE = 4
"""prctl(2): 0 makes /proc/<pid> owned by root and forbids ptrace by the same uid."""

ENV_START, ENV_END = 47, 48
"""Indices after the process name in /proc/self/stat; in proc(5), which counts from 1, fields 50 and 51."""


def harden() -> None:
    """Forbid processes of the same uid to read this one, disable core dumps, and raise the limit of open files.

    The environment is removed from /proc as well, so that an agent that runs as root finds no secret there.
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
        logger.warning("root can read the environment of the daemon in /proc: %s", error)
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        logger.warning(
            "agents may be able to read the memory of the daemon: prctl failed with errno %d", ctypes.get_errno()
        )


def forget_environment() -> None:
    """Copy the environment elsewhere in memory and zero the memory that /proc/self/environ shows.

    Raises:
        OSError: /proc does not exist or cannot be read.
        ValueError: the environment is not at the address that the kernel reports.
    """
    stat = Path("/proc/self/stat").read_bytes()
    fields = stat[stat.rfind(b")") + 2 :].split()
    start, end = int(fields[ENV_START]), int(fields[ENV_END])
    shown = Path("/proc/self/environ").read_bytes()
    if start <= 0 or end - start != len(shown):
        raise ValueError("it is not at the address in /proc/self/stat")
    if ctypes.string_at(start, len(shown)) != shown:
        raise ValueError("the memory differs from /proc/self/environ")
    for name, value in os.environb.items():
        os.putenv(name, value)  # libc makes a copy, which it and child processes use from now on
    ctypes.memset(start, 0, len(shown))
