"""Which process is at the other end of a local connection: no agent may answer a question about itself.

Linux only, by /proc; elsewhere what else is proved is what counts. A local process that does not show itself is taken
for an agent's: what belongs to people and services can be seen, or belongs to another user than the daemon.
"""

from __future__ import annotations

import os
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from supervisor.protocol.marks import PROCESS_MARK

PROC = Path("/proc")
TABLES = ("net/tcp", "net/tcp6")
FIELDS = re.compile(
    r"^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:([0-9A-F]{4}) .{2} \S+ \S+ \S+\s+(\d+)\s+\d+ (\d+)", re.MULTILINE
)
"""Of a line of /proc/net/tcp (proc_net_tcp.txt of the kernel): local port, remote port, user id, inode."""


@dataclass(frozen=True, slots=True)
class Socket:
    """What the kernel's table says of a socket; its inode is 0 where nobody holds it any more."""

    uid: int
    inode: int


def is_agents(connection: socket.socket) -> bool:
    """Return whether the other end of a connection is an agent's, or hides like one. Reads much: not for the loop."""
    if connection.family == socket.AF_UNIX:
        return _is_behind(connection) if hasattr(socket, "SO_PEERCRED") else False
    try:
        theirs, ours = connection.getpeername(), connection.getsockname()
    except OSError:
        return False  # it is gone, and so is whatever it wanted
    return comes_from_agent(theirs[1], ours[1], local=is_local(theirs[0], ours[0]))


def _is_behind(connection: socket.socket, proc: Path = PROC) -> bool:
    """Return whether an agent's process has connected to a unix socket (unix(7), SO_PEERCRED)."""
    try:
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    except OSError:
        return False
    pid, uid, _ = struct.unpack("3i", credentials)
    if not (proc / str(pid)).exists():
        return os.geteuid() in (0, uid)
    return _descends_from_agent(pid, proc)


def comes_from_agent(their_port: int, our_port: int, *, local: bool = False, proc: Path = PROC) -> bool:
    """Return whether the process that holds the other end of a connection is an agent's, or hides like one.

    Args:
        local: the other end is on this machine: then its socket stands in the table, until somebody lets go of it.
    """
    tables = [table for name in TABLES if (table := _read(proc / name))]
    sockets = [
        Socket(uid=int(match[3]), inode=int(match[4]))
        for table in tables
        for match in FIELDS.finditer(table)
        if (int(match[1], 16), int(match[2], 16)) == (their_port, our_port)
    ]
    if not sockets:
        return local and bool(tables)
    held = [socket for socket in sockets if socket.inode]
    return not held or any(_is_of_agents(socket, proc) for socket in held)


def _is_of_agents(socket: Socket, proc: Path) -> bool:
    """Return whether an agent's process holds a socket, or one of our own user that does not let us see it."""
    holders = list(_holders(socket.inode, proc))
    if not holders:
        return os.geteuid() in (0, socket.uid)
    return any(_descends_from_agent(pid, proc) for pid in holders)


def is_local(theirs: str, ours: str) -> bool:
    """Return whether a connection between two addresses does not leave this machine."""
    return theirs == ours or is_loopback(theirs)


def is_loopback(host: str) -> bool:
    """Return whether a text is an address of this machine for itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _read(path: Path) -> str:
    """Return what stands in a file of /proc; nothing where it cannot be read."""
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _holders(inode: int, proc: Path) -> Iterator[int]:
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


def _descends_from_agent(pid: int, proc: Path) -> bool:
    """Return whether a process, or one that it descends from, carries the mark of an agent."""
    mark = f"{PROCESS_MARK}=".encode()
    while pid > 1:
        with suppress(OSError):  # that of another user's process is not ours to read, and no agent's
            if any(item.startswith(mark) for item in (proc / str(pid) / "environ").read_bytes().split(b"\0")):
                return True
        status = _read(proc / str(pid) / "stat")
        if not status:
            return False
        pid = int(status.rpartition(")")[2].split()[1])
    return False
