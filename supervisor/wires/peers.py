"""Which process is at the other end of a loopback connection: no agent may answer a question about itself.

Linux only, by /proc; elsewhere the token is what counts. A local process that does not show itself is taken for an
agent's: what belongs to people and services can be seen, or belongs to another user than the daemon.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from supervisor.protocol.errors import NotAllowed
from supervisor.protocol.marks import PROCESS_MARK

PEER = "xswarm.peer"
"""Key of a connection's scope: its real other end, whatever the headers of a proxy say."""

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


async def refuse_agents(theirs: object, ours: object) -> None:
    """Return where a connection does not come from an agent, as far as this machine shows.

    Args:
        theirs, ours: (host, port, ...) of the two ends; anything else tells nothing.

    Raises:
        NotAllowed: the process at the other end is an agent, or descends from one.
    """
    ends = [end for end in (theirs, ours) if isinstance(end, tuple) and len(end) > 1]
    if len(ends) == 2 and await asyncio.to_thread(comes_from_agent, ends[0][1], ends[1][1], local=_is_local(*ends)):
        raise NotAllowed("an agent answers no questions about what it may do")


async def refuse_agent(connection: HTTPConnection) -> None:
    """Return where a request does not come from an agent.

    Raises:
        NotAllowed: it does.
    """
    scope = connection.scope
    forwarded, peer = scope.get("client"), scope.get(PEER, scope.get("client"))
    if forwarded != peer and isinstance(forwarded, tuple) and _is_loopback(forwarded[0]):
        raise NotAllowed("a process of this machine that comes by a proxy", "connect to it directly")
    await refuse_agents(peer, scope.get("server"))


def behind_proxies(app: ASGIApp, proxies: Sequence[str]) -> ASGIApp:
    """Return an application that believes the headers of some proxies, and still knows who is at the other end.

    Args:
        proxies: IP addresses or networks.
    """
    believing: Any = ProxyHeadersMiddleware(cast("Any", app), list(proxies))

    async def keeping(scope: Scope, receive: Receive, send: Send) -> None:
        scope[PEER] = scope.get("client")
        await believing(scope, receive, send)

    return keeping


no_agents = Depends(refuse_agent)
"""A dependency of a router: no agent passes, whatever token it holds."""


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


def _is_local(theirs: tuple[str, int], ours: tuple[str, int]) -> bool:
    """Return whether a connection does not leave this machine."""
    return theirs[0] == ours[0] or _is_loopback(theirs[0])


def _is_loopback(host: str) -> bool:
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
