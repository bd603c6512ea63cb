"""The fence around a session: it ends all processes of the session when the daemon dies.

Without a fence, Claude Code goes on (and costs money) when the supervisor is killed, and its shell commands go on when
Claude Code is killed. A PID namespace ends them all, and so does a keeper that inherits all orphans.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

logger = logging.getLogger(__name__)

PROBE_TIMEOUT = 10.0
"""Seconds that the command of a probe may take inside a fence."""

CGROUPS = "/sys/fs/cgroup"
PID_NAMESPACE = (
    *("--unshare-pid", "--dev-bind", "/", "/", "--ro-bind-try", CGROUPS, CGROUPS),
    *("--proc", "/proc", "--"),
)
"""Arguments that make bubblewrap a PID namespace which cannot leave its control group. Further mounts are inserted
before the last argument."""

KEEPER = str(Path(__file__).with_name("keeper.py"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """One way to fence a process.

    Attributes:
        prefix: the arguments before the command.
        depth: how many processes of the fence are above the process of the command.
        sentence: describes the fence to the operator.
        mounts: the fence can hide folders from the command.
    """

    name: str
    prefix: tuple[str, ...]
    depth: int
    sentence: str
    mounts: bool = False

    def wrap(self, argv: Sequence[str]) -> list[str]:
        """Return the argument list that runs `argv` inside the fence."""
        return [*self.prefix, *argv]

    def hiding(self, folders: Sequence[str], *, but: Sequence[str]) -> Fence:
        """Return a fence in which some folders look empty, except for others below them.

        A fence without mounts returns itself.

        Raises:
            OSError: one of the folders does not exist.
        """
        if not self.mounts:
            return self
        hidden, shown = (sorted({os.path.realpath(one, strict=True) for one in paths}) for paths in (folders, but))
        below = [path for path in shown if any(path.startswith(f"{one}/") for one in hidden)]
        empty = [argument for path in hidden for argument in ("--tmpfs", path)]  # the outer one first, if one is inside
        binds = [argument for path in below for argument in ("--bind", path, path)]
        return replace(self, prefix=(*self.prefix[:-1], *empty, *binds, self.prefix[-1]))


NO_FENCE = Fence(
    name="none",
    prefix=(),
    depth=0,
    sentence="sessions are not fenced: if the daemon is killed, running agents go on until the daemon is started again",
)


def ladder(path: str) -> list[Fence]:
    """Return the fences for which `path` has the programs, best first; `choose` finds out whether they work."""
    fences = []
    if bwrap := shutil.which("bwrap", path=path):
        # Without capabilities, root could not write into a project of another user.
        caps = ("--cap-add", "ALL") if os.geteuid() == 0 else ()
        fences.append(
            Fence(
                name="bwrap",
                prefix=(bwrap, "--die-with-parent", *caps, *PID_NAMESPACE),
                depth=2,
                sentence="sessions are fenced by bubblewrap: each has its own PID namespace and cannot see state.dir",
                mounts=True,
            )
        )
    setpriv, unshare = shutil.which("setpriv", path=path), shutil.which("unshare", path=path)
    if setpriv and unshare:
        user = () if os.geteuid() == 0 else ("--user", "--map-current-user")
        # The shell is PID 1 inside and reaps orphans; Claude Code as PID 1 would not.
        init = ("/bin/sh", "-c", '"$@"; exit $?', "sh")
        fences.append(
            Fence(
                name="unshare",
                prefix=(
                    *(setpriv, "--pdeathsig", "KILL", "--", unshare, *user),
                    *("--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--", *init),
                ),
                depth=2,
                sentence="sessions are fenced by unshare: each has its own PID namespace",
            )
        )
    if sys.platform == "linux":
        fences.append(
            Fence(
                name="keeper",
                prefix=(sys.executable, "-I", "-S", KEEPER),
                depth=1,
                sentence="sessions are fenced by a keeper process, which an agent of the same user could kill; "
                "install bubblewrap for a PID namespace",
            )
        )
    return fences


async def choose(fences: Sequence[Fence], environment: Mapping[str, str], command: Sequence[str]) -> Fence | None:
    """Return the first fence in which a harmless command runs, or None."""
    for fence in fences:
        if await asyncio.to_thread(probe, fence, environment, command):
            return fence
        logger.info("fence %s: %s does not run inside, trying the next fence", fence.name, command[0])
    return None


def probe(fence: Fence, environment: Mapping[str, str], command: Sequence[str]) -> bool:
    """Return whether a command runs inside the fence."""
    try:
        ran = subprocess.run(
            fence.wrap(command),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PROBE_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ran.returncode == 0
