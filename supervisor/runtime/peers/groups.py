"""The control groups (version 2) of agents: the ids by which the kernel names them, and the processes in them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from supervisor.protocol.conversation import DAEMON_GROUP, GROUP_PREFIX
from supervisor.runtime.peers.proc import PROC, listing, only_facts, read

NAME = re.compile(rf"{GROUP_PREFIX}[0-9a-f]{{12}}-")
"""Begins the name of an agent's group: the mark of its daemon follows the prefix."""


class AgentGroups:
    """The control groups that stand beside this process's own, or below it, with all groups in them.

    Attributes:
        ids: of the groups; empty where agents run in none.
        members: the ids of the processes in them.

    Raises:
        Unknowable: they cannot be read now.
    """

    def __init__(self, proc: Path = PROC) -> None:
        self.ids: set[int] = set()
        self.members: set[int] = set()
        for base in _bases(proc):
            for name in listing(base):
                if NAME.match(name):
                    self._add(base / name)

    def _add(self, group: Path) -> None:
        with only_facts():
            # The id of a group is the inode of its folder (kernel: kernfs_id), where inodes have 64 bits.
            self.ids.add(group.stat().st_ino)
        self.members.update(int(pid) for pid in read(group / "cgroup.procs").split())
        for name in listing(group):
            if (group / name).is_dir():
                self._add(group / name)


def _bases(proc: Path) -> Iterator[Path]:
    """Yield the groups below which this process's daemon makes groups (cgroups(7): /proc/self/cgroup, mountinfo)."""
    lines = read(proc / "self/cgroup").decode(errors="replace").splitlines()
    own = next((line[3:] for line in lines if line.startswith("0::")), "/..")
    if own.startswith("/.."):
        return  # the group is outside of the cgroup namespace of this process
    for mount in read(proc / "self/mountinfo").decode(errors="replace").splitlines():
        fields, _, kind = mount.partition(" - ")
        if kind.split(" ")[0] == "cgroup2":
            root, point = fields.split(" ")[3:5]
            path = Path(os.path.normpath(Path(point, os.path.relpath(own, root))))
            yield path
            if path.name == DAEMON_GROUP:
                yield path.parent
