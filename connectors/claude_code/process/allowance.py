"""Limits on memory and processes of a session, and its usage: read in /proc, summed over all of its processes.

rlimits do not serve: Claude Code reserves far more address space than it uses, RLIMIT_DATA counts each process
separately, and RLIMIT_NPROC counts the processes of a user, not of a session, and does not apply to root.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connectors.claude_code.process.tree import PROC, Entry
from supervisor.protocol.conversation import ProcessIdentity

PAGE = os.sysconf("SC_PAGE_SIZE")
MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """A limit that a session has exceeded.

    Attributes:
        why: a sentence for the person who waits for the answer.
        remedy: what that person or the operator can do.
    """

    why: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The limits of one session, Claude Code itself included.

    Attributes:
        memory_mb: megabytes (1,000,000 bytes) of RAM; 0 = no limit.
        processes: at the same time; 0 = no limit.
    """

    memory_mb: int = 0
    processes: int = 0

    def __bool__(self) -> bool:
        return self.memory_mb > 0 or self.processes > 0

    def excess(self, pids: Iterable[int]) -> Excess | None:
        """Return the limit that these processes exceed together, or None."""
        pids = list(pids)
        if 0 < self.processes < len(pids):
            return Excess(
                why=f"it needed more than {self.processes} processes at the same time and was ended",
                remedy="ask for it in smaller steps, or raise claude_code.session_processes",
            )
        if 0 < self.memory_mb * MB < resident(pids) and (used := proportional(pids)) > self.memory_mb * MB:
            return too_much_memory(self.memory_mb, f" ({used // MB} MB)")
        return None


def too_much_memory(limit_mb: int, taken: str = "") -> Excess:
    """Return the excess of a session that was ended because of its memory.

    Args:
        taken: put behind the limit; empty where the usage is unknown.
    """
    return Excess(
        why=f"it needed more than {limit_mb} MB of memory{taken} and was ended",
        remedy="ask for it in smaller steps, or raise claude_code.session_memory_mb",
    )


def members(root: ProcessIdentity, table: Mapping[int, Entry]) -> list[int]:
    """Return the pids of a process tree, root first; empty where the root is gone."""
    if (entry := table.get(root.pid)) is None or entry.started != root.started:
        return []
    children: dict[int, list[int]] = {}
    for entry in table.values():
        children.setdefault(entry.parent, []).append(entry.pid)
    found = [root.pid]
    for pid in found:
        found += children.get(pid, [])
    return found


def resident(pids: Iterable[int]) -> int:
    """Return the bytes of RAM of some processes; shared pages count once for each process. Fast, and never too low."""
    return sum(_resident(pid) for pid in pids)


def proportional(pids: Iterable[int]) -> int:
    """Return the bytes of RAM of some processes; a shared page is divided by the processes that share it.

    A process whose smaps_rollup cannot be read counts as if it shared no pages.
    """
    total = 0
    for pid in pids:
        try:
            lines = (PROC / str(pid) / "smaps_rollup").read_bytes().splitlines()
            total += next(int(line.split()[1]) * 1024 for line in lines if line.startswith(b"Pss:"))
        except (OSError, StopIteration):
            total += _resident(pid)
    return total


def yield_first(pids: Iterable[int], score: int) -> None:
    """Make the kernel kill these processes before the daemon when the machine runs out of memory.

    Args:
        score: oom_score_adj, 0 to 1000.
    """
    for pid in pids:
        with contextlib.suppress(OSError):
            (PROC / str(pid) / "oom_score_adj").write_text(str(score))


def _resident(pid: int) -> int:
    try:
        return int((PROC / str(pid) / "statm").read_bytes().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0
