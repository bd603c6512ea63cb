"""What the kernel shows of a process, which may end while a test looks."""

from __future__ import annotations

from pathlib import Path


def read(pid: int, name: str) -> bytes:
    """Return a file of `/proc/PID`; it is empty where the process is gone or not ours to see."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def state(pid: int) -> str:
    """Return the letter of its state, such as T for stopped and Z for a zombie; empty where it is gone (proc(5))."""
    return read(pid, "stat").decode().rpartition(")")[2][1:2]


def lives(pid: int) -> bool:
    """Return whether a process lives; a zombie does not."""
    return state(pid) not in ("", "Z")
