"""Which process is at the other end of a local connection: no agent may answer a question about itself.

Linux only, by /proc; elsewhere what else is proved is what counts. A local process that does not show itself is taken
for an agent's: what belongs to people and services can be seen, or belongs to another user than the daemon.
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
"""Of a line of /proc/net/tcp (proc_net_tcp.txt of the kernel): local end, remote end, user id, inode."""
OWN = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL")
"""Of /proc/net/fib_trie: an IPv4 address of this machine."""

MAPPED = bytes(10) + b"\xff\xff"
"""How an IPv4 address begins in IPv6's clothes."""

End = tuple[str, int]
"""An address and a port of TCP."""


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
    return comes_from_agent(theirs[:2], ours[:2])


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


def comes_from_agent(theirs: End, ours: End, *, proc: Path = PROC) -> bool:
    """Return whether the process that holds the other end of a connection is an agent's, or hides like one.

    An end on this machine stands in the table until somebody lets go of it. Its addresses count with its ports: at the
    same ports another process may hold a connection to another address.
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
    """Return whether an agent's process holds a socket, or one of our own user that does not let us see it."""
    holders = list(_holders(socket.inode, proc))
    if not holders:
        return os.geteuid() in (0, socket.uid)
    return any(_descends_from_agent(pid, proc) for pid in holders)


def is_own(host: str, proc: Path = PROC) -> bool:
    """Return whether a text is an address of this machine, loopback or not."""
    packed, outer = _packed(host), _read(proc / "net/if_inet6").split()[::6]
    return (
        is_loopback(host) or packed in map(_packed, OWN.findall(_read(proc / "net/fib_trie"))) or packed.hex() in outer
    )


def is_loopback(host: str) -> bool:
    """Return whether a text is an address of this machine for itself."""
    address = _address(host)
    return address is not None and address.is_loopback


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that a text is, as IPv4 where it is one in IPv6's clothes; None = it is none."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _packed(host: str) -> bytes:
    """Return the bytes of an address; none where a text is none."""
    address = _address(host)
    return address.packed if address is not None else b""


def _end(host: str, port: int) -> tuple[bytes, int]:
    return _packed(host), port


def _listed(end: str) -> tuple[bytes, int]:
    """Return an end as the kernel's table has it: words in the machine's own order."""
    host, _, port = end.partition(":")
    words = (int(host[i : i + 8], 16).to_bytes(4, sys.byteorder) for i in range(0, len(host), 8))
    return b"".join(words).removeprefix(MAPPED), int(port, 16)


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
