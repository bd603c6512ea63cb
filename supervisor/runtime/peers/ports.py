"""Who uses a port or holds a lock, in words for the operator."""

from __future__ import annotations

import pwd
from contextlib import suppress

from supervisor.protocol.errors import TemporaryFailure
from supervisor.runtime.peers.processes import Processes
from supervisor.runtime.peers.sockets import listening

MOST_NAMED = 3
"""More processes are not named: whoever listens cannot be told from them."""


def remedy(port: int) -> str:
    """Return what to do about a port on which another process listens.

    It names the process as far as this machine tells it: on Linux, and where its open files may be seen.
    """
    other = "set another port (0: any)"
    try:
        uids, pids = _listeners(port)
        if 0 < len(pids) <= MOST_NAMED:
            stop = " ".join(map(str, pids))
            return f"{' and '.join(map(_described, pids))} uses it: stop it (`kill {stop}`), or {other}"
    except TemporaryFailure:
        uids = set()
    users = " and ".join(f"user {_name(uid)}" for uid in sorted(uids))
    return f"a process of {users} uses it: stop it, or {other}" if users else f"stop what uses it, or {other}"


def is_in_use(port: int) -> bool:
    """Return whether a process listens on a port, as far as this machine tells."""
    try:
        return bool(listening(port))
    except TemporaryFailure:
        return False


def described(pid: int) -> str:
    """Return a process with its user in words."""
    with suppress(TemporaryFailure):
        return _described(pid)
    return f"process {pid}"


def _listeners(port: int) -> tuple[set[int], list[int]]:
    """Return the user ids of the sockets that listen on a port, and the processes that hold them.

    A process that hides its open files, as this program does, counts as a holder if its user has no other such process.
    """
    processes, uids, pids = Processes(), set[int](), list[int]()
    for socket in listening(port):
        uids.add(socket.uid)
        holders = [*processes.holders(socket.inode, agents=True), *processes.holders(socket.inode, agents=False)]
        if not holders:
            hidden = processes.hidden(socket.uid)
            holders = hidden if len(hidden) == 1 else []
        pids += [pid for pid in holders if pid not in pids]
    return uids, pids


def _described(pid: int) -> str:
    processes = Processes()
    uid = processes.uid(pid)
    return f"{processes.name(pid)} (process {pid}, user {_name(uid)})" if uid is not None else f"process {pid}"


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
