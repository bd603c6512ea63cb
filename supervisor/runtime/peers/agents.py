"""Finds the process at the other end of a local connection, so that no agent can answer a question about itself.

It asks the kernel and reads /proc, so it works on Linux only; on other systems only the token protects. A hidden local
process of our own uid counts as an agent: processes of people and services can be seen, or run as another user.
"""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

from supervisor.runtime.peers.proc import PROC
from supervisor.runtime.peers.processes import Processes
from supervisor.runtime.peers.sockets import End, Socket, find, is_loopback, is_own


def is_agents(connection: socket.socket) -> bool:
    """Return whether the other end of a connection is an agent, or hides like one. Slow: call it in a thread.

    Raises:
        Unknowable: it cannot be told now.
    """
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
    processes = Processes(proc)
    if not processes.exists(pid):
        return os.geteuid() in (0, uid)
    return processes.is_agent(pid)


def comes_from_agent(theirs: End, ours: End, *, proc: Path = PROC) -> bool:
    """Return whether a process that holds the other end of a connection is an agent, or hides like one.

    An end on this machine is in the kernel's table until it is closed.

    Raises:
        Unknowable: it cannot be told now.
    """
    found = find(theirs, ours, proc)
    if not found.sockets:
        return found.certain and (is_loopback(ours[0]) or is_own(theirs[0], proc))
    held = [socket for socket in found.sockets if socket.inode]
    return not held or any(_is_of_agents(socket, Processes(proc)) for socket in held)


def _is_of_agents(socket: Socket, processes: Processes) -> bool:
    """Return whether an agent made or holds a socket, or a hidden process of our own uid holds it."""
    if processes.is_agents_group(socket.group) or any(processes.holders(socket.inode, agents=True)):
        return True
    # What another user holds cannot be seen, and agents run as our user.
    return os.geteuid() in (0, socket.uid) and not any(processes.holders(socket.inode, agents=False))
