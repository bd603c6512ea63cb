"""Process trees: finds descendants and ends them. A process is identified by pid *and* start time, never by pid alone.

Linux only: elsewhere there is no /proc, and `process.py` falls back to the process group.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from supervisor.protocol.conversation import ProcessIdentity

PROC = Path("/proc")
GONE = frozenset({errno.ENOENT, errno.ESRCH, errno.EACCES, errno.EPERM})
"""Errors that tell a fact: the process has ended, or may not be seen. All others tell nothing."""
POLL = 0.005
"""Seconds between two checks of processes that are being killed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the process table.

    Attributes:
        parent: the pid of the parent.
        started: in clock ticks since boot.
        gone: the process has ended and its parent has not reaped it yet.
        stopped: it does nothing until it gets SIGCONT.
    """

    pid: int
    parent: int
    started: int
    gone: bool
    stopped: bool


def boot_id() -> str:
    """Return the id of this boot of the machine; empty where it is unknown."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def look_up(pid: int) -> Entry | None:
    """Return the entry of a pid, or None where there is no such process.

    Raises:
        OSError: it cannot be told now, e.g. because no file descriptor is free.
    """
    try:
        stat = (PROC / str(pid) / "stat").read_bytes()
    except OSError as error:
        if error.errno in GONE:
            return None
        raise
    # proc_pid_stat(5): the second field is the name in parentheses, which may hold blanks and parentheses.
    fields = stat[stat.rfind(b")") + 2 :].split()
    return Entry(pid, int(fields[1]), int(fields[19]), gone=fields[0] in (b"Z", b"X"), stopped=fields[0] == b"T")


def identify(pid: int) -> ProcessIdentity:
    """Return the identity of a process, which no other process has; `started` is 0 where it is not known now."""
    entry = None
    with contextlib.suppress(OSError):
        entry = look_up(pid)
    return ProcessIdentity(pid=pid, started=entry.started if entry else 0, boot_id=boot_id())


def is_alive(identity: ProcessIdentity) -> bool:
    """Whether this very process still runs; where that cannot be told now, it counts as running."""
    try:
        entry = look_up(identity.pid)
    except OSError:
        return identity.started > 0
    return entry is not None and not entry.gone and entry.started == identity.started and identity.started > 0


def is_stopped(identity: ProcessIdentity) -> bool:
    """Whether a process does nothing until it gets SIGCONT, or is gone."""
    try:
        entry = look_up(identity.pid)
    except OSError:
        return False
    return entry is None or entry.gone or entry.started != identity.started or entry.stopped


def table() -> dict[int, Entry]:
    """Return all processes by pid; empty where there is no /proc, or where it cannot be read now."""
    try:
        pids = [int(name) for name in os.listdir(PROC) if name.isdigit()]
        return {pid: entry for pid in pids if (entry := look_up(pid)) is not None}
    except OSError:
        return {}


def descendants(pid: int) -> list[ProcessIdentity]:
    """Return the running descendants of a process, each after its parent, older siblings first."""
    entries = table()
    children: dict[int, list[Entry]] = {}
    for entry in entries.values():
        children.setdefault(entry.parent, []).append(entry)
    boot, found, queue = boot_id(), [], [pid]
    while queue:
        for entry in sorted(children.get(queue.pop(0), []), key=lambda entry: entry.started):
            queue.append(entry.pid)
            if not entry.gone:
                found.append(ProcessIdentity(pid=entry.pid, started=entry.started, boot_id=boot))
    return found


def ancestors(pid: int) -> set[int]:
    """Return the pids of the ancestors of a process."""
    entries, found = table(), set[int]()
    while (entry := entries.get(pid)) is not None and entry.parent not in found:
        pid = entry.parent
        found.add(pid)
    return found


def marked(name: str, value: str) -> list[ProcessIdentity]:
    """Return the running processes with NAME=VALUE in their environment; those of other users cannot be read."""
    mark, boot, found = f"{name}={value}".encode(), boot_id(), []
    for entry in table().values():
        try:
            variables = (PROC / str(entry.pid) / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if mark in variables and not entry.gone:
            found.append(ProcessIdentity(pid=entry.pid, started=entry.started, boot_id=boot))
    return found


def send(identity: ProcessIdentity, number: int) -> bool:
    """Send a signal to this very process; return whether it was still running."""
    try:
        descriptor = os.pidfd_open(identity.pid)
    except OSError:
        return False
    try:
        # The descriptor stands for one process: the one looked up here is the one that gets the signal.
        if not is_alive(identity):
            return False
        signal.pidfd_send_signal(descriptor, number)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


async def end_all(find: Callable[[], list[ProcessIdentity]], *, timeout: float) -> list[ProcessIdentity]:
    """Kill the processes that `find` returns, until it returns none; return those left after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while alive := [identity for identity in find() if is_alive(identity)]:
        for identity in alive:
            send(identity, signal.SIGKILL)
        if time.monotonic() > deadline:
            return alive
        await asyncio.sleep(POLL)
    return []


async def stop_all(find: Callable[[], list[ProcessIdentity]], *, timeout: float) -> bool:
    """Stop the processes that `find` returns, until it returns stopped ones only; False = not within `timeout` seconds.

    A process that was forked meanwhile is stopped in the next round.
    """
    deadline = time.monotonic() + timeout
    while running := [identity for identity in find() if not is_stopped(identity)]:
        if time.monotonic() > deadline:
            return False
        for identity in running:
            send(identity, signal.SIGSTOP)
        await asyncio.sleep(POLL)
    return True


async def end_tree(root: ProcessIdentity, *, timeout: float) -> list[ProcessIdentity]:
    """Kill a process and its descendants; return those left after `timeout` seconds.

    The root is killed last: in every fence it inherits the orphans, so none can leave the tree while it lives. It is
    stopped first, and parents are killed before their children; otherwise they would start their next command.
    """
    send(root, signal.SIGSTOP)

    def below() -> list[ProcessIdentity]:
        return descendants(root.pid) if is_alive(root) else []

    left = await end_all(below, timeout=timeout)
    return left or await end_all(lambda: [root], timeout=timeout)
