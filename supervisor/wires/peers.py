"""Which process is at the other end of a loopback connection: no agent may answer a question about itself.

Linux only, by /proc. Elsewhere, or where the process cannot be seen, nobody can tell; the token is what counts then.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from supervisor.protocol.errors import NotAllowed
from supervisor.protocol.marks import PROCESS_MARK

PROC = Path("/proc")
TABLES = ("net/tcp", "net/tcp6")
FIELDS = re.compile(r"^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:([0-9A-F]{4}) .{2} \S+ \S+ \S+\s+\d+\s+\d+ (\d+)")
"""Of a line of /proc/net/tcp: local port, remote port, inode."""


async def refuse_agents(theirs: object, ours: object) -> None:
    """Return where a connection does not come from an agent, as far as this machine shows.

    Args:
        theirs, ours: (host, port, ...) of the two ends; anything else tells nothing.

    Raises:
        NotAllowed: the process at the other end is an agent, or descends from one.
    """
    ports = [end[1] for end in (theirs, ours) if isinstance(end, tuple) and len(end) > 1]
    if len(ports) == 2 and await asyncio.to_thread(comes_from_agent, *ports):
        raise NotAllowed("an agent answers no questions about what it may do")


def comes_from_agent(their_port: int, our_port: int, proc: Path = PROC) -> bool:
    """Return whether the process that holds the other end of a loopback connection is an agent's."""
    inode = _inode(their_port, our_port, proc)
    if not inode:
        return False
    return any(_is_of_agent(pid, proc) for pid in _holders(inode, proc))


def _inode(local: int, remote: int, proc: Path) -> str:
    """Return the inode of the socket with these ports, or an empty text."""
    for table in TABLES:
        try:
            lines = (proc / table).read_text(encoding="ascii").splitlines()
        except OSError:
            continue
        for line in lines:
            if (match := FIELDS.match(line)) and (int(match[1], 16), int(match[2], 16)) == (local, remote):
                return match[3]
    return ""


def _holders(inode: str, proc: Path) -> Iterator[int]:
    """Yield the processes that have a socket open."""
    for folder in proc.iterdir():
        if folder.name.isdecimal() and f"socket:[{inode}]" in _open_files(folder / "fd"):
            yield int(folder.name)


def _open_files(folder: Path) -> Iterator[str]:
    """Yield what a process has open, as far as it is there and for us to see."""
    with suppress(OSError):
        for name in os.listdir(folder):
            with suppress(OSError):
                yield os.readlink(folder / name)


def _is_of_agent(pid: int, proc: Path) -> bool:
    """Return whether a process, or one that it descends from, carries the mark of an agent."""
    mark = f"{PROCESS_MARK}=".encode()
    while pid > 1:
        try:
            environment = (proc / str(pid) / "environ").read_bytes()
            status = (proc / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            return False
        if any(item.startswith(mark) for item in environment.split(b"\0")):
            return True
        pid = int(status.rpartition(")")[2].split()[1])
    return False
