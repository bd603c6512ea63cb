"""A control group (cgroup v2) for each session: the kernel enforces its limits and kills all of its processes at once.

Control groups are available where a part of the hierarchy is delegated to the daemon: by systemd with `Delegate=yes`,
in a container, or for root on a machine without systemd. See https://docs.kernel.org/admin-guide/cgroup-v2.html and
https://systemd.io/CGROUP_DELEGATION/.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors.claude_code.process.allowance import MB, Allowance, Excess, too_much_memory
from supervisor.protocol.conversation import DAEMON_GROUP, GROUP_PREFIX
from supervisor.protocol.ports.checks import Check, Standing

logger = logging.getLogger(__name__)

CONTROLLERS = ("memory", "pids")
LEAF = DAEMON_GROUP
"""The group of the daemon itself: a group that sets limits for the groups below it may hold no processes."""
DELEGATED = ("user.delegate", "trusted.delegate")
"""Extended attributes by which systemd marks a group that it has delegated to a service."""
THREADS_EACH = 8
"""Threads per allowed process: the kernel limits threads, as a wall against fork bombs; the guard limits processes."""
POLL = 0.005
"""Seconds between two checks of a group that is being killed."""
NO_GROUPS = "no control groups here (with systemd: Delegate=yes): the limits of a session are checked once a second"
ENTER = ("/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"')
"""Joins a group, then becomes the command, so that no process of the command is ever outside the group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The control group of one session."""

    path: Path
    allowance: Allowance

    def wrap(self, argv: Sequence[str]) -> list[str]:
        """Return the argument list that runs `argv` in the group."""
        return [*ENTER, str(self.path / "cgroup.procs"), *argv]

    def excess(self) -> Excess | None:
        """Return the limit for which the kernel has killed the group, or None."""
        return too_much_memory(self.allowance.memory_mb) if _read(self.path / "memory.events", "oom_kill") else None

    async def freeze(self, timeout: float) -> bool:
        """Stop all processes in the group until `thaw`; return whether that was done within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        if not _try_write(self.path / "cgroup.freeze", "1"):
            return False
        while not _read(self.path / "cgroup.events", "frozen"):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(POLL)
        return True

    def thaw(self) -> None:
        """Let the processes of the group go on."""
        _try_write(self.path / "cgroup.freeze", "0")

    async def end(self, timeout: float) -> bool:
        """Kill all processes in the group and remove it; return whether that was done within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        try:
            (self.path / "cgroup.kill").write_text("1")
            while _read(self.path / "cgroup.events", "populated"):
                if time.monotonic() > deadline:
                    return False
                await asyncio.sleep(POLL)
            for folder, _, _ in os.walk(self.path, topdown=False):  # processes in it may have made groups
                os.rmdir(folder)
        except FileNotFoundError:
            return not self.path.exists()
        except OSError as error:
            logger.warning("the control group %s could not be ended: %s", self.path.name, error.strerror)
            return False
        return True


class Groups:
    """The groups of one daemon's sessions.

    Args:
        base: the group below which they are made; writable by the daemon.
        mark: the mark of the daemon's state.dir; groups of other daemons are left alone.
    """

    def __init__(self, base: Path, *, mark: str, allowance: Allowance) -> None:
        self._base = base
        self._prefix = f"{GROUP_PREFIX}{mark[:12]}-"
        self._allowance = allowance
        self._limits = frozenset(_words(base / "cgroup.controllers")).intersection(CONTROLLERS)

    @property
    def sentence(self) -> str:
        """A sentence for the operator on the limits in force."""
        if missing := " and ".join(name for name in CONTROLLERS if name not in self._limits):
            return f"each session has a control group, but the kernel enforces no limits on {missing}"
        return "each session has a control group: the kernel enforces its limits on memory and processes"

    def prepare(self) -> None:
        """Enable limits for the groups below the base; the daemon itself moves into a group of its own.

        Raises:
            OSError: no group can be made here.
        """
        # Only the root group may hold processes and set limits for groups below; only the root has no cgroup.events.
        if (self._base / "cgroup.events").exists():
            leaf = self._base / LEAF
            leaf.mkdir(exist_ok=True)
            for pid in _words(self._base / "cgroup.procs"):
                _try_write(leaf / "cgroup.procs", pid)
        enable = self._base / "cgroup.subtree_control"
        self._limits = frozenset(name for name in self._limits if _try_write(enable, f"+{name}"))
        probe = self._path("probe")
        probe.mkdir(exist_ok=True)
        probe.rmdir()

    async def end_left_over(self, timeout: float) -> int:
        """Kill the groups that an earlier daemon with this state.dir left; return how many still held processes."""
        found = 0
        for path in self._base.glob(f"{self._prefix}*"):
            found += bool(_read(path / "cgroup.events", "populated"))
            if not await Group(path=path, allowance=self._allowance).end(timeout):
                logger.warning("the control group %s of an earlier daemon could not be ended", path.name)
        return found

    def make(self, name: str) -> Group:
        """Make the group of a session, with its limits.

        Raises:
            OSError: the group could not be made.
        """
        group = Group(path=self._path(name), allowance=self._allowance)
        group.path.mkdir()
        try:
            self._limit(group.path)
        except OSError:
            group.path.rmdir()
            raise
        return group

    def _limit(self, path: Path) -> None:
        if "memory" in self._limits and self._allowance.memory_mb:
            (path / "memory.max").write_text(str(self._allowance.memory_mb * MB))
            # The kernel then kills all processes of the session, never only some.
            (path / "memory.oom.group").write_text("1")
            _try_write(path / "memory.swap.max", "0")  # the file is missing in a kernel without swap
        if "pids" in self._limits and self._allowance.processes:
            (path / "pids.max").write_text(str(self._allowance.processes * THREADS_EACH))

    def _path(self, name: str) -> Path:
        return self._base / f"{self._prefix}{name[:12]}"


def find_base(proc: Path = Path("/proc/self")) -> Path | None:
    """Return the group below which the daemon may make groups, or None.

    Args:
        proc: the folder of a process, with its `cgroup` and `mountinfo`.
    """
    try:
        groups, mounts = ((proc / name).read_text().splitlines() for name in ("cgroup", "mountinfo"))
    except OSError:
        return None
    own = next((line[3:] for line in groups if line.startswith("0::")), "/..")
    if own.startswith("/.."):  # the group is outside of the cgroup namespace of this process
        return None
    for mount in mounts:
        fields, _, kind = mount.partition(" - ")
        if kind.split(" ")[0] != "cgroup2":
            continue
        root, point = fields.split(" ")[3:5]
        path = Path(point, os.path.relpath(own, root))
        for base in (path.parent, path) if path.name == LEAF else (path,):
            if _is_ours(base, top=Path(point)):
                return base
    return None


def check(groups: Groups | None) -> Check:
    """Return what is in force, for the doctor; never a warning: without groups the guard enforces the limits."""
    return Check(name="control groups", status=Standing.OK, detail=groups.sentence if groups else NO_GROUPS)


def _is_ours(base: Path, *, top: Path) -> bool:
    """Whether a group is delegated to the daemon (the visible root, or marked by systemd) and writable."""
    if not all(os.access(path, os.W_OK) for path in (base, base / "cgroup.procs", base / "cgroup.subtree_control")):
        return False
    return base == top or any(_attribute(base, name) == b"1" for name in DELEGATED)


def _attribute(path: Path, name: str) -> bytes:
    try:
        return os.getxattr(path, name)
    except (OSError, AttributeError):  # AttributeError: no such call outside of Linux
        return b""


def _try_write(path: Path, text: str) -> bool:
    try:
        path.write_text(text)
    except OSError as error:
        logger.debug("%s: %s", path, error)
        return False
    return True


def _read(path: Path, key: str) -> int:
    """Return the number behind a key in a file of keys and numbers; 0 where the key or the file is missing."""
    words = _words(path)
    return int(words[words.index(key) + 1]) if key in words else 0


def _words(path: Path) -> list[str]:
    """Return the words of a file; an empty list where it cannot be read."""
    try:
        return path.read_text().split()
    except OSError:
        return []
