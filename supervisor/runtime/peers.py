"""Finds the process at the other end of a local connection, so that no agent can answer a question about itself.

It reads /proc, so it works on Linux only; on other systems only the token protects. A hidden local process of our own
uid counts as an agent: processes of people and services can be seen, or run as another user.
"""

from __future__ import annotations

import os
import re
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from supervisor.protocol.conversation import PROCESS_MARK

PROC = Path("/proc")
TABLES = ("net/tcp", "net/tcp6")
FIELDS = re.compile(
    r"^\s*\d+: ([0-9A-F]+:[0-9A-F]{4}) ([0-9A-F]+:[0-9A-F]{4}) .{2} \S+ \S+ \S+\s+(\d+)\s+\d+ (\d+)", re.MULTILINE
)
"""A line of /proc/net/tcp (kernel: proc_net_tcp.txt): local end, remote end, user id, inode."""
OWN = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL")
"""An entry of /proc/net/fib_trie: an IPv4 address of this machine."""

MAPPED = bytes(10) + b"\xff\xff"
"""Prefix of an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2)."""

End = tuple[str, int]
"""Address and port of one end of a TCP connection."""


@dataclass(frozen=True, slots=True)
class Socket:
    """A row of the kernel's socket table; the inode is 0 if no process holds the socket."""

    uid: int
    inode: int


def is_agents(connection: socket.socket) -> bool:
    """Return whether the other end of a connection is an agent, or hides like one. Slow: call it in a thread."""
    if connection.family == socket.AF_UNIX:
        return _is_behind(connection) if hasattr(socket, "SO_PEERCRED") else False
    try:
        theirs, ours = connection.getpeername(), connection.getsockname()
    except OSError:
        return False  # the connection has ended, and with it the request
    return comes_from_agent(theirs[:2], ours[:2])


def _is_behind(connection: socket.socket, proc: Path = PROC) -> bool:
    """Return whether an agent is connected to a Unix socket (unix(7), SO_PEERCRED)."""
    try:
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    except OSError:
        return False
    pid, uid, _ = struct.unpack("3i", credentials)
    if not (proc / str(pid)).exists():
        return os.geteuid() in (0, uid)
    return _descends_from_agent(pid, proc)


def comes_from_agent(theirs: End, ours: End, *, proc: Path = PROC) -> bool:
    """Return whether the process that holds the other end of a connection is an agent, or hides like one.

    An end on this machine is in the kernel's table until it is closed. Addresses and ports are both compared, because
    another process may use the same ports with other addresses.
    """
    tables = [table for name in TABLES if (table := _read(proc / name))]
    wanted = _end(*theirs), _end(*ours)
    sockets = [
        Socket(uid=int(match[3]), inode=int(match[4]))
        for table in tables
        for match in FIELDS.finditer(table)
        if (_listed(match[1]), _listed(match[2])) == wanted
    ]
    if not sockets:
        return bool(tables) and (is_loopback(ours[0]) or is_own(theirs[0], proc))
    held = [socket for socket in sockets if socket.inode]
    return not held or any(_is_of_agents(socket, proc) for socket in held)


def _is_of_agents(socket: Socket, proc: Path) -> bool:
    """Return whether the holder of a socket is an agent, or a hidden process of our own uid."""
    holders = list(_holders(socket.inode, proc))
    if not holders:
        return os.geteuid() in (0, socket.uid)
    return any(_descends_from_agent(pid, proc) for pid in holders)


def is_own(host: str, proc: Path = PROC) -> bool:
    """Return whether a text is an address of this machine, including loopback addresses."""
    packed, outer = _packed(host), _read(proc / "net/if_inet6").split()[::6]
    return (
        is_loopback(host) or packed in map(_packed, OWN.findall(_read(proc / "net/fib_trie"))) or packed.hex() in outer
    )


def is_loopback(host: str) -> bool:
    """Return whether a text is a loopback address."""
    address = _address(host)
    return address is not None and address.is_loopback


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """Return a text as an address, an IPv4-mapped one as IPv4; None = it is not an address."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _packed(host: str) -> bytes:
    """Return the bytes of an address; empty if a text is not an address."""
    address = _address(host)
    return address.packed if address is not None else b""


def _end(host: str, port: int) -> tuple[bytes, int]:
    return _packed(host), port


def _listed(end: str) -> tuple[bytes, int]:
    """Parse an end in the kernel's table, whose 32-bit words are in host byte order."""
    host, _, port = end.partition(":")
    words = (int(host[i : i + 8], 16).to_bytes(4, sys.byteorder) for i in range(0, len(host), 8))
    return b"".join(words).removeprefix(MAPPED), int(port, 16)


def _read(path: Path) -> str:
    """Return the content of a file of /proc; empty if it cannot be read."""
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _holders(inode: int, proc: Path) -> Iterator[int]:
    """Yield the ids of the processes that hold a socket."""
    for folder in proc.iterdir():
        if folder.name.isdecimal() and f"socket:[{inode}]" in _open_files(folder / "fd"):
            yield int(folder.name)


def _open_files(folder: Path) -> Iterator[str]:
    """Yield the targets of a process's file descriptors; nothing if they cannot be read."""
    with suppress(OSError):
        for name in os.listdir(folder):
            with suppress(OSError):
                yield os.readlink(folder / name)


def _descends_from_agent(pid: int, proc: Path) -> bool:
    """Return whether a process, or one of its ancestors, has the mark of an agent in its environment."""
    mark = f"{PROCESS_MARK}=".encode()
    while pid > 1:
        with suppress(OSError):  # the environment of another user's process cannot be read; agents run as our user
            if any(item.startswith(mark) for item in (proc / str(pid) / "environ").read_bytes().split(b"\0")):
                return True
        status = _read(proc / str(pid) / "stat")
        if not status:
            return False
        pid = int(status.rpartition(")")[2].split()[1])
    return False
