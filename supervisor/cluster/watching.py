"""Kills its parent with SIGKILL when the deadline passes that the parent gave last. It is the program of the watchdog.

A script (`python -I -S watching.py`) with the standard library only. Each line of its stdin is a deadline, in seconds
of CLOCK_BOOTTIME, which goes on while the machine sleeps. It ends when its stdin does.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

LOOK_SECONDS = 0.25
"""Longest time between two looks at the clock: the timeout of select(2) stands still while the machine sleeps."""

CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boot_seconds() -> float:
    """Return the time since the start of the machine, in seconds; sleep counts."""
    return time.clock_gettime(CLOCK)


def main() -> int:
    """Watch until stdin ends; return the exit code."""
    parent = os.getppid()
    deadline = float("inf")
    heard = b""
    while True:
        left = deadline - boot_seconds()
        if left <= 0:
            if os.getppid() == parent:  # else it has ended by itself, and the number may be another's soon
                os.kill(parent, signal.SIGKILL)
            return 1
        if not select.select([0], [], [], min(left, LOOK_SECONDS))[0]:
            continue
        read = os.read(0, 4096)
        if not read:
            return 0
        *lines, heard = (heard + read).split(b"\n")
        for line in lines:
            deadline = float(line)


if __name__ == "__main__":
    sys.exit(main())
