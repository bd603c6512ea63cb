"""The fence round a session: what makes a dead daemon mean dead agents. A ladder, of which the best rung is taken.

Facts: a killed supervisor alone leaves Claude Code running and paying, and a killed Claude Code leaves its shell
commands running in sessions of their own. Only a PID namespace, or a keeper that inherits every orphan, ends them all.
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
"""Seconds that a probe may take inside a fence."""

CGROUPS = "/sys/fs/cgroup"
PID_NAMESPACE = (
    *("--unshare-pid", "--dev-bind", "/", "/", "--ro-bind-try", CGROUPS, CGROUPS),
    *("--proc", "/proc", "--"),
)
"""What makes bubblewrap a PID namespace that cannot leave its control group; what else is mounted comes before the
last."""

KEEPER = str(Path(__file__).with_name("keeper.py"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """One way to fence a process.

    Attributes:
        prefix: the arguments that come before the command.
        depth: how many processes stand above the command's own.
        sentence: what the operator is told of it.
        mounts: it can show what runs inside another view of the files.
    """

    name: str
    prefix: tuple[str, ...]
    depth: int
    sentence: str
    mounts: bool = False

    def wrap(self, argv: Sequence[str]) -> list[str]:
        """Return the argument list that runs `argv` inside."""
        return [*self.prefix, *argv]

    def hiding(self, folder: str, *, but: Sequence[str]) -> Fence:
        """Return the fence with a folder emptied for what runs inside, but for some below it; itself where it cannot.

        Raises:
            OSError: one of the folders is not there.
        """
        if not self.mounts:
            return self
        hidden, *shown = (os.path.realpath(path, strict=True) for path in (folder, *but))
        below = [path for path in shown if path.startswith(f"{hidden}/")]
        binds = [argument for path in below for argument in ("--bind", path, path)]
        return replace(self, prefix=(*self.prefix[:-1], "--tmpfs", hidden, *binds, self.prefix[-1]))


NO_FENCE = Fence(
    name="none",
    prefix=(),
    depth=0,
    sentence="sessions are not fenced: if the daemon is killed, a running agent goes on until it is started again",
)


def ladder(path: str) -> list[Fence]:
    """Return the fences that the programs on `path` allow, best first; whether they work is for `choose` to say."""
    fences = []
    if bwrap := shutil.which("bwrap", path=path):
        # Root without its capabilities could not write into a project that belongs to somebody else.
        caps = ("--cap-add", "ALL") if os.geteuid() == 0 else ()
        fences.append(
            Fence(
                name="bwrap",
                prefix=(bwrap, "--die-with-parent", *caps, *PID_NAMESPACE),
                depth=2,
                sentence="sessions are fenced by bubblewrap in PID namespaces of their own, and cannot see state.dir",
                mounts=True,
            )
        )
    setpriv, unshare = shutil.which("setpriv", path=path), shutil.which("unshare", path=path)
    if setpriv and unshare:
        user = () if os.geteuid() == 0 else ("--user", "--map-current-user")
        # The shell is PID 1 inside and collects orphans, which Claude Code in its place would not.
        init = ("/bin/sh", "-c", '"$@"; exit $?', "sh")
        fences.append(
            Fence(
                name="unshare",
                prefix=(
                    *(setpriv, "--pdeathsig", "KILL", "--", unshare, *user),
                    *("--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--", *init),
                ),
                depth=2,
                sentence="sessions are fenced by unshare in PID namespaces of their own",
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
    """Return whether a command runs inside."""
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
