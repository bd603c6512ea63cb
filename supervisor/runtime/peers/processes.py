"""What /proc tells about processes: which ones are agents, and which ones hold a socket."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from supervisor.protocol.conversation import PROCESS_MARK
from supervisor.runtime.peers.groups import AgentGroups
from supervisor.runtime.peers.proc import PROC, listing, only_facts, read

MARK = f"{PROCESS_MARK}=".encode()


class Processes:
    """The processes of this machine at one time; each is read once.

    Its methods raise `Unknowable` where something cannot be read now.
    """

    def __init__(self, proc: Path = PROC) -> None:
        self._proc = proc
        self._agents: dict[int, bool] = {}
        self._groups = AgentGroups(proc)

    def is_agents_group(self, group: int) -> bool:
        """Return whether a control group, by its id, is an agent's."""
        return group in self._groups.ids

    def exists(self, pid: int) -> bool:
        """Return whether there is a process of this id."""
        return bool(read(f"{self._proc}/{pid}/stat"))

    def holders(self, inode: int, *, agents: bool) -> Iterator[int]:
        """Yield the ids of the processes that hold a socket, either of agents or of all others."""
        target = f"socket:[{inode}]"
        for pid in self._visible():
            if self.is_agent(pid) is agents and target in self._open_files(pid):
                yield pid

    def is_agent(self, pid: int) -> bool:
        """Return whether a process, or one of its ancestors, has the mark of an agent or is in an agent's group."""
        above: list[int] = []
        while pid > 1 and pid not in self._agents:
            above.append(pid)
            # Until the answer is known it is no; a pid that was used again could close a circle.
            self._agents[pid] = False
            if pid in self._groups.members or self._is_marked(pid):
                self._agents[pid] = True
                break
            pid = self._parent(pid)
        answer = self._agents.get(pid, False)
        self._agents.update(dict.fromkeys(above, answer))
        return answer

    def name(self, pid: int) -> str:
        """Return the name of a process, without its arguments."""
        return read(f"{self._proc}/{pid}/comm").decode(errors="replace").strip() or "a process"

    def uid(self, pid: int) -> int | None:
        """Return the user id of a process; None = it has ended."""
        for line in read(f"{self._proc}/{pid}/status").splitlines():
            if line.startswith(b"Uid:"):
                return int(line.split()[1])
        return None

    def hidden(self, uid: int) -> list[int]:
        """Return the processes of a user whose open files we may not see."""
        pids = {int(name) for name in listing(self._proc) if name.isdecimal()}
        return sorted(pid for pid in pids.difference(self._visible()) if self.uid(pid) == uid)

    def _is_marked(self, pid: int) -> bool:
        environment = read(f"{self._proc}/{pid}/environ")
        # The environment of another user's process cannot be read; agents run as our user.
        return environment.startswith(MARK) or b"\0" + MARK in environment

    def _parent(self, pid: int) -> int:
        """Return the parent of a process; 0 = it has none, or has ended."""
        stat = read(f"{self._proc}/{pid}/stat")
        # proc_pid_stat(5): the second field is the name in parentheses, which may hold blanks and parentheses.
        return int(stat.rpartition(b")")[2].split()[1]) if stat else 0

    def _visible(self) -> Iterator[int]:
        """Yield the ids of the processes whose open files we may see."""
        for name in listing(self._proc):
            # The program and the files of a process are shown to the same users (proc(5)). A thread of the kernel has
            # neither; this tells at the price of one system call.
            if name.isdecimal() and _has_program(f"{self._proc}/{name}/exe"):
                yield int(name)

    def _open_files(self, pid: int) -> Iterator[str]:
        """Yield the targets of a process's file descriptors; nothing if they cannot be read."""
        folder = f"{self._proc}/{pid}/fd"
        for name in listing(folder):
            with only_facts():
                yield os.readlink(f"{folder}/{name}")


def _has_program(link: str) -> bool:
    with only_facts():
        return bool(os.readlink(link))
    return False
