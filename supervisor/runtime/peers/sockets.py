"""Finds a TCP connection in the kernel's table of sockets: by its two ends alone, or by reading the whole table.

The kernel is asked by netlink (sock_diag(7)), which costs one system call pair whatever the number of sockets. Where it
cannot be asked so, or finds nothing, the tables in /proc/net are read. Linux only; elsewhere there is neither.
"""

from __future__ import annotations

import re
import socket
import struct
import sys
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from supervisor.runtime.peers.proc import PROC, read

TABLES = ("net/tcp", "net/tcp6")
FIELDS = re.compile(
    r"^\s*\d+: ([0-9A-F]+:[0-9A-F]{4}) ([0-9A-F]+:[0-9A-F]{4}) .{2} \S+ \S+ \S+\s+(\d+)\s+\d+ (\d+)", re.MULTILINE
)
"""A line of /proc/net/tcp (kernel: proc_net_tcp.txt): local end, remote end, user id, inode."""
OWN = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL")
"""An entry of /proc/net/fib_trie: an IPv4 address of this machine."""
MAPPED = bytes(10) + b"\xff\xff"
"""Prefix of an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2)."""

HEADER = struct.Struct("=IHHII")
"""struct nlmsghdr (linux/netlink.h): length, type, flags, sequence number, port."""
NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLMSG_ERROR = 2
NLM_F_REQUEST = 1
DIAG_REQUEST = struct.Struct("=BBBxI")
"""struct inet_diag_req_v2 (linux/inet_diag.h) before its socket: family, protocol, extensions, states."""
SOCKET_ID = struct.Struct(">HH16s16s")
"""struct inet_diag_sockid before its interface: local port, remote port, local address, remote address."""
ANY_SOCKET = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
"""The rest of struct inet_diag_sockid: any interface, no cookie."""
DIAG_ANSWER = struct.Struct("=4x48s12xII")
"""struct inet_diag_msg: the socket, user id, inode."""
ATTRIBUTE = struct.Struct("=HH")
"""struct nlattr: length with this header, type."""
INET_DIAG_CGROUP_ID = 21
End = tuple[str, int]
"""Address and port of one end of a TCP connection."""


@dataclass(frozen=True, slots=True)
class Socket:
    """A socket of this machine.

    Attributes:
        uid: the user id of whoever made it.
        inode: 0 = no process holds the socket.
        group: the id of the control group (version 2) of the process that made it; 0 = not known.
    """

    uid: int
    inode: int
    group: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of one end of a connection.

    Attributes:
        sockets: usually one; none = it is not, or no longer, an end on this machine.
        certain: whether there was a table to look into.
    """

    sockets: tuple[Socket, ...]
    certain: bool


def find(theirs: End, ours: End, proc: Path = PROC) -> Found:
    """Find the socket at the other end of a connection.

    Addresses and ports are both compared, because another process may use the same ports with other addresses.

    Raises:
        Unknowable: the kernel could not be asked now.
    """
    asked = _ask(theirs, ours) if proc == PROC else None
    # A socket that is bound to an interface is in the table only.
    return Found((asked,), certain=True) if asked is not None else _read_tables(theirs, ours, proc)


def listening(port: int, proc: Path = PROC) -> list[Socket]:
    """Return the sockets of this machine that listen on a port, at any address.

    Raises:
        Unknowable: the table cannot be read now.
    """
    found = (match for name in TABLES for match in FIELDS.finditer(_read_text(proc / name)))
    listeners = (match for match in found if _listed(match[1])[1] == port and _listed(match[2])[1] == 0)
    return [Socket(uid=int(match[3]), inode=int(match[4])) for match in listeners]


def is_own(host: str, proc: Path = PROC) -> bool:
    """Return whether a text is an address of this machine, including loopback addresses.

    Raises:
        Unknowable: the kernel could not be asked now.
    """
    if is_loopback(host):
        return True
    packed, (inner, outer) = _packed(host), _own(proc)
    return packed in map(_packed, inner) or packed.hex() in outer


def own_addresses(proc: Path = PROC) -> list[str]:
    """Return the addresses of this machine but for loopback, sorted; none where the kernel does not list them.

    Raises:
        Unknowable: the kernel could not be asked now.
    """
    inner, outer = _own(proc)
    found = {*inner, *(str(IPv6Address(bytes.fromhex(one))) for one in outer)}
    return sorted(one for one in found if not is_loopback(one))


def is_loopback(host: str) -> bool:
    """Return whether a text is a loopback address."""
    address = address_of(host)
    return address is not None and address.is_loopback


def _ask(theirs: End, ours: End) -> Socket | None:
    """Ask the kernel for one socket; None = it does not know it, or cannot be asked."""
    local, remote = _packed(theirs[0]), _packed(ours[0])
    if not local or len(local) != len(remote) or not sys.platform.startswith("linux"):
        return None
    family = socket.AF_INET if len(local) == 4 else socket.AF_INET6
    wanted = SOCKET_ID.pack(theirs[1], ours[1], local, remote)
    request = DIAG_REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0xFFFFFFFF) + wanted + ANY_SOCKET
    header = HEADER.pack(HEADER.size + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_SOCK_DIAG) as kernel:
            kernel.sendto(header + request, (0, 0))
            answer = kernel.recv(8192, socket.MSG_DONTWAIT)  # the kernel answers within the call before
    except OSError:
        return None  # not offered here, or not now: reading the table tells which
    length, kind, *_ = HEADER.unpack_from(answer)
    if kind != SOCK_DIAG_BY_FAMILY or length < HEADER.size + DIAG_ANSWER.size:
        return None  # NLMSG_ERROR: ENOENT, for a socket as for a kernel without this part
    found, uid, inode = DIAG_ANSWER.unpack_from(answer, HEADER.size)
    if not _is_same(found, wanted):
        return None  # a listening socket, which the kernel gives where there is no connection
    return Socket(uid, inode, _group(answer[HEADER.size + DIAG_ANSWER.size : length]))


def _is_same(found: bytes, wanted: bytes) -> bool:
    """Compare two sockets; an IPv6 socket may have an IPv4 connection."""
    ends = [(local, remote, one.removeprefix(MAPPED).ljust(16, b"\0"), other.removeprefix(MAPPED).ljust(16, b"\0"))
            for local, remote, one, other in (SOCKET_ID.unpack_from(found), SOCKET_ID.unpack_from(wanted))]  # fmt: skip
    return ends[0] == ends[1]


def _group(attributes: bytes) -> int:
    """Return the control group among the attributes of an answer; 0 = the kernel does not tell it."""
    offset = 0
    while offset + ATTRIBUTE.size <= len(attributes):
        length, kind = ATTRIBUTE.unpack_from(attributes, offset)
        if kind == INET_DIAG_CGROUP_ID:
            return int.from_bytes(attributes[offset + ATTRIBUTE.size : offset + length], sys.byteorder)
        offset += max(ATTRIBUTE.size, (length + 3) & ~3)
    return 0


def _read_tables(theirs: End, ours: End, proc: Path) -> Found:
    tables = [table for name in TABLES if (table := _read_text(proc / name))]
    wanted = (_packed(theirs[0]), theirs[1]), (_packed(ours[0]), ours[1])
    sockets = tuple(
        Socket(uid=int(match[3]), inode=int(match[4]))
        for table in tables
        for match in FIELDS.finditer(table)
        if (_listed(match[1]), _listed(match[2])) == wanted
    )
    return Found(sockets, certain=bool(tables))


def _listed(end: str) -> tuple[bytes, int]:
    """Parse an end in the kernel's table, whose 32-bit words are in host byte order."""
    host, _, port = end.partition(":")
    words = (int(host[i : i + 8], 16).to_bytes(4, sys.byteorder) for i in range(0, len(host), 8))
    return b"".join(words).removeprefix(MAPPED), int(port, 16)


def _own(proc: Path) -> tuple[list[str], list[str]]:
    """Return the addresses that the kernel lists: those of IPv4 as texts, those of IPv6 as hexadecimal digits."""
    return OWN.findall(_read_text(proc / "net/fib_trie")), _read_text(proc / "net/if_inet6").split()[::6]


def address_of(host: str) -> IPv4Address | IPv6Address | None:
    """Return a text as an address, an IPv4-mapped one as IPv4; None = it is not an address."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _packed(host: str) -> bytes:
    """Return the bytes of an address; empty if a text is not an address."""
    address = address_of(host)
    return address.packed if address is not None else b""


def _read_text(path: Path) -> str:
    return read(path).decode("ascii", errors="replace")
