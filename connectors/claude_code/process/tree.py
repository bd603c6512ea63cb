"""Which processes descend from which, and ending all of them; by pid *and* start time, never by pid alone.

Linux only: elsewhere there is no /proc, and a tree is its process group.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from supervisor.protocol.conversation import ProcessIdentity

PROC = Path("/proc")
POLL = 0.005
"""Seconds between two looks at processes that are being ended."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the process table.

    Attributes:
        started: in clock ticks since boot.
        gone: it has ended and only waits to be collected by its parent.
    """

    pid: int
    parent: int
    started: int
    gone: bool


def boot_id() -> str:
    """Return the id of the machine's boot; empty where it is unknown."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def look_up(pid: int) -> Entry | None:
    """Return a process, or None where there is none of that pid."""
    try:
        stat = (PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    # The second field is the name in brackets, which may itself hold blanks and brackets.
    fields = stat[stat.rfind(b")") + 2 :].split()
    return Entry(pid, int(fields[1]), int(fields[19]), fields[0] in (b"Z", b"X"))


def identify(pid: int) -> ProcessIdentity:
    """Return what tells this process from every other that ever had its pid."""
    entry = look_up(pid)
    return ProcessIdentity(pid=pid, started=entry.started if entry else 0, boot_id=boot_id())


def is_alive(identity: ProcessIdentity) -> bool:
    """Whether exactly this process still runs."""
    entry = look_up(identity.pid)
    return entry is not None and not entry.gone and entry.started == identity.started and identity.started > 0


def table() -> dict[int, Entry]:
    """Return all processes by pid; empty where there is no /proc."""
    try:
        pids = [int(name) for name in os.listdir(PROC) if name.isdigit()]
    except OSError:
        return {}
    return {pid: entry for pid in pids if (entry := look_up(pid)) is not None}


def descendants(pid: int) -> list[ProcessIdentity]:
    """Return the living processes below one, each after its parent, older siblings first."""
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
    """Return the pids above a process."""
    entries, found = table(), set[int]()
    while (entry := entries.get(pid)) is not None and entry.parent not in found:
        pid = entry.parent
        found.add(pid)
    return found


def marked(name: str, value: str) -> list[ProcessIdentity]:
    """Return the living processes whose environment says NAME=VALUE; those of other users cannot be read."""
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
    """Signal exactly this process; return whether it was there to be signalled."""
    try:
        descriptor = os.pidfd_open(identity.pid)
    except OSError:
        return False
    try:
        # The descriptor holds the pid: what is looked up now is what gets the signal.
        if not is_alive(identity):
            return False
        signal.pidfd_send_signal(descriptor, number)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


async def end_all(find: Callable[[], list[ProcessIdentity]], *, timeout: float) -> list[ProcessIdentity]:
    """Kill what `find` returns until it returns nothing; return what is left after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while alive := [identity for identity in find() if is_alive(identity)]:
        for identity in alive:
            send(identity, signal.SIGKILL)
        if time.monotonic() > deadline:
            return alive
        await asyncio.sleep(POLL)
    return []


async def end_tree(root: ProcessIdentity, *, timeout: float) -> list[ProcessIdentity]:
    """Kill a process and all below it; return what is left after `timeout` seconds.

    The root goes last, because in every fence it inherits the orphans: as long as it lives none can slip out. It is
    stopped first, and parents go before their children, or they would go on to their next command.
    """
    send(root, signal.SIGSTOP)

    def below() -> list[ProcessIdentity]:
        return descendants(root.pid) if is_alive(root) else []

    left = await end_all(below, timeout=timeout)
    return left or await end_all(lambda: [root], timeout=timeout)
