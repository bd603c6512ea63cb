"""What a session may take of the machine, and what it takes: read in /proc, over all of its processes together.

Not by rlimits: Claude Code reserves far more address space than it uses, RLIMIT_DATA counts each process for itself,
and RLIMIT_NPROC counts a user's processes, not a session's, and root's not at all.
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
    """What a session has taken too much of.

    Attributes:
        why: a sentence for the person who waits.
        remedy: what to do about it.
    """

    why: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The limits of one session, Claude Code itself included.

    Attributes:
        memory_mb: megabytes (1,000,000 bytes) of RAM; 0 = no limit.
        processes: at a time; 0 = no limit.
    """

    memory_mb: int = 0
    processes: int = 0

    def __bool__(self) -> bool:
        return self.memory_mb > 0 or self.processes > 0

    def excess(self, pids: Iterable[int]) -> Excess | None:
        """Return what these processes take too much of, or None while all is well."""
        pids = list(pids)
        if 0 < self.processes < len(pids):
            return Excess(
                why=f"it needed more than {self.processes} processes at a time and was ended",
                remedy="ask for it in smaller steps, or raise claude_code.session_processes",
            )
        if 0 < self.memory_mb * MB < resident(pids) and (used := proportional(pids)) > self.memory_mb * MB:
            return too_much_memory(self.memory_mb, f" ({used // MB} MB)")
        return None


def too_much_memory(limit_mb: int, taken: str = "") -> Excess:
    """Return what to say of a session that was ended for its memory."""
    return Excess(
        why=f"it needed more than {limit_mb} MB of memory{taken} and was ended",
        remedy="ask for it in smaller steps, or raise claude_code.session_memory_mb",
    )


def members(root: ProcessIdentity, table: Mapping[int, Entry]) -> list[int]:
    """Return the pids of a tree, its root first; empty where the root is gone."""
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
    """Return the bytes of RAM of some processes, what they share counted once for each: cheap, and never too little."""
    return sum(_resident(pid) for pid in pids)


def proportional(pids: Iterable[int]) -> int:
    """Return the bytes of RAM of some processes, what is shared divided by those who share it: what they really take.

    A process whose pages may not be looked at counts as if it shared none.
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
    """See to it that the kernel, when it runs out of memory, ends these before it ends the daemon.

    Args:
        score: of oom_score_adj, 0 to 1000.
    """
    for pid in pids:
        with contextlib.suppress(OSError):
            (PROC / str(pid) / "oom_score_adj").write_text(str(score))


def _resident(pid: int) -> int:
    try:
        return int((PROC / str(pid) / "statm").read_bytes().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0
