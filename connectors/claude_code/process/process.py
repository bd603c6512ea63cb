"""A subprocess with its pipes, from its start until it and all of its descendants have ended.

The subprocess support of asyncio needs a child watcher, and that of uvloop forks and blocks the loop; so this module
uses `Popen`, which calls vfork and takes 1 to 2 ms. It runs on the thread of the event loop, because the fence is bound
to the *thread* that started it (PR_SET_PDEATHSIG), and that thread lives as long as the daemon.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from connectors.claude_code.process import tree
from connectors.claude_code.process.allowance import Excess
from connectors.claude_code.process.cgroup import Group
from connectors.claude_code.process.fence import Fence
from connectors.claude_code.process.pipes import ErrorTail, InputPipe, own_end
from supervisor.protocol.conversation import PROCESS_MARK, ProcessIdentity

logger = logging.getLogger(__name__)

READ_SIZE = 256 * 1024
"""Bytes that are read at a time."""
HURRIED_TERM = 0.5
"""Seconds from SIGTERM to SIGKILL for a process that is closed during a turn."""
STDERR_TAIL = 16 * 1024
"""Bytes of stderr that are kept."""


class WriteFailed(Exception):
    """The process does not read its stdin.

    Args:
        certain: the process had ended before, so it has read nothing of the data.
    """

    def __init__(self, *, certain: bool) -> None:
        super().__init__(certain)
        self.certain = certain

    def __str__(self) -> str:
        return "it has ended" if self.certain else "it does not take its input"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds to wait after each step of ending a process.

    Attributes:
        drain: after stdin is closed.
        term: after SIGTERM.
        kill: after SIGKILL.
    """

    drain: float = 5.0
    term: float = 3.0
    kill: float = 5.0

    def hurried(self) -> Patience:
        """Return the times for a process that is closed during a turn, and so must stop working at once."""
        return replace(self, drain=0.0, term=min(self.term, HURRIED_TERM))


class Process:
    """A running subprocess; `start` makes it. One task calls `read`, and `end` or `kill` must be awaited."""

    def __init__(self, popen: subprocess.Popen[bytes], fence: Fence, mark: str, group: Group | None) -> None:
        self._group = group
        self._popen = popen
        self._fence = fence
        self._mark = mark
        self._exited = asyncio.get_running_loop().create_future()
        self._stdout = asyncio.StreamReader(limit=READ_SIZE)
        self._stderr = ErrorTail(STDERR_TAIL)
        self._stdin = InputPipe()
        self._transports: list[asyncio.BaseTransport] = []
        self._pidfd: int | None = None
        self.identity: ProcessIdentity = tree.identify(popen.pid)

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        *,
        cwd: str,
        env: Mapping[str, str],
        fence: Fence,
        mark: str,
        group: Group | None = None,
        umask: int = -1,
    ) -> Process:
        """Start a subprocess inside a fence.

        Args:
            env: the whole environment; XSWARM_PROCESS in it must be `mark`.
            mark: finds descendants that have left the process tree.
            group: a control group for this process alone, which ends with it; None for none.
            umask: of the process; -1 = that of the daemon.

        Raises:
            OSError: the process could not be started.
        """
        fenced = fence.wrap(argv)
        popen = subprocess.Popen(  # noqa: ASYNC220  # 1 to 2 ms, and the thread matters: see above
            fenced if group is None else group.wrap(fenced),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
            umask=umask,
        )
        process = cls(popen, fence, mark, group)
        try:
            await process._connect()
        except BaseException:  # cancelled, or out of descriptors: no caller gets the process, so it must end here
            await asyncio.shield(asyncio.create_task(process._give_up(), name=f"give up {popen.pid}"))
            raise
        return process

    @property
    def exit_code(self) -> int | None:
        """The exit code; negative for a signal, None while the process runs."""
        return self._popen.returncode

    def listen_to_errors(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with each line of stderr, also with those that were written before."""
        self._stderr.listen(listener)

    def excess(self) -> Excess | None:
        """Return the limit for which the kernel has killed the process, or None."""
        return self._group.excess() if self._group is not None else None

    @property
    def last_words(self) -> str:
        """The end of what the process wrote to stderr."""
        return self._stderr.text()

    async def read(self) -> bytes:
        """Return the next bytes of stdout; empty at its end."""
        return await self._stdout.read(READ_SIZE)

    async def write(self, data: bytes, *, timeout: float) -> None:
        """Write to stdin; returns when the pipe has taken the data.

        Args:
            timeout: in seconds.

        Raises:
            WriteFailed: the process has ended, or does not read.
        """
        if self._stdin.closed or self._popen.returncode is not None:
            raise WriteFailed(certain=True)
        self._stdin.write(data)
        try:
            await asyncio.wait_for(self._stdin.drained(), timeout)
        except TimeoutError:
            raise WriteFailed(certain=False) from None

    async def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the end of the process; return its exit code, or None where it runs after `timeout` seconds."""
        await asyncio.wait([self._exited], timeout=timeout)
        return self._popen.returncode

    async def freeze(self, timeout: float) -> bool:
        """Stop the command and its descendants until `thaw`; return whether all were, within `timeout` seconds.

        The processes of the fence go on: when this process dies, they end the stopped ones.
        """
        if self._popen.returncode is not None:
            return True
        if sys.platform != "linux":
            return False
        if self._group is not None and await self._group.freeze(timeout):
            return True
        return await tree.stop_all(self._inside, timeout=timeout)

    def thaw(self) -> None:
        """Let what was stopped go on."""
        if self._group is not None:
            self._group.thaw()
        for identity in self._inside():
            tree.send(identity, signal.SIGCONT)

    def _inside(self) -> list[ProcessIdentity]:
        """Return the command and its descendants, without the processes of the fence."""
        fence, above = [self.identity], set[ProcessIdentity]()
        for _ in range(self._fence.depth):
            above.update(fence[:1])
            fence = tree.descendants(fence[0].pid) if fence else []
        found = {self.identity, *tree.descendants(self.identity.pid), *tree.marked(PROCESS_MARK, self._mark)}
        return [each for each in found if each not in above]

    async def end(self, patience: Patience) -> None:
        """Close stdin, then send SIGTERM, then kill; returns when no process is left. Stdout must be read meanwhile."""
        self._stdin.close()
        if await self.wait(patience.drain) is None:
            self._ask()
            await self.wait(patience.term)
        await self.kill(patience.kill)

    async def kill(self, timeout: float) -> None:
        """Kill the process and its descendants; returns when none is left, or after `timeout` seconds for each step."""
        if self._group is not None:
            await self._group.end(timeout)
        left = [] if self._popen.returncode is not None else await tree.end_tree(self.identity, timeout=timeout)
        if self._popen.returncode is None:
            # Without /proc only the process group is known.
            self._signal_group(signal.SIGKILL)
        # A PID namespace ends a moment after its outermost process; without one, a child may have left the tree.
        left += await tree.end_all(lambda: tree.marked(PROCESS_MARK, self._mark), timeout=timeout)
        if left or await self.wait(timeout) is None:
            logger.error("process %d could not be ended", self.identity.pid)
        self._release()

    def _ask(self) -> None:
        """Send SIGTERM to the command itself; if the fence ended first, the command would be killed unsaved."""
        target = self.identity
        for _ in range(self._fence.depth):
            below = tree.descendants(target.pid)
            if not below:
                break
            target = below[0]
        if not tree.send(target, signal.SIGTERM):
            self._signal_group(signal.SIGTERM)

    def _signal_group(self, number: int) -> None:
        if self._popen.returncode is None:  # not reaped yet, so the pid cannot belong to another process
            try:
                os.killpg(self._popen.pid, number)
            except OSError:
                logger.debug("process group %d is gone", self._popen.pid)

    async def _connect(self) -> None:
        loop, popen = asyncio.get_running_loop(), self._popen
        output, stdout = asyncio.StreamReaderProtocol(self._stdout), own_end(loop, popen.stdout, "r")
        self._transports.append((await loop.connect_read_pipe(lambda: output, stdout))[0])
        stderr = own_end(loop, popen.stderr, "r")
        self._transports.append((await loop.connect_read_pipe(lambda: self._stderr, stderr))[0])
        await loop.connect_write_pipe(lambda: self._stdin, own_end(loop, popen.stdin, "w"))
        self._watch()

    def _watch(self) -> None:
        loop, popen = asyncio.get_running_loop(), self._popen
        if sys.platform == "linux":
            self._pidfd = os.pidfd_open(popen.pid)
            loop.add_reader(self._pidfd, self._collect)
        else:
            waiter = threading.Thread(target=self._wait_in_thread, args=(loop,), name="process wait", daemon=True)
            waiter.start()

    async def _give_up(self) -> None:
        """End a process whose pipes could not all be connected; `_watch` was not called yet, since it comes last."""
        for pipe in filter(None, (self._popen.stdin, self._popen.stdout, self._popen.stderr)):
            pipe.close()
        with contextlib.suppress(OSError):  # out of descriptors: the process is killed nevertheless
            self._watch()
        await self.kill(Patience().kill)

    def _collect(self) -> None:
        if self._popen.poll() is not None:
            if self._pidfd is not None:
                asyncio.get_running_loop().remove_reader(self._pidfd)
                os.close(self._pidfd)
                self._pidfd = None
            if not self._exited.done():
                self._exited.set_result(None)

    def _wait_in_thread(self, loop: asyncio.AbstractEventLoop) -> None:
        self._popen.wait()
        loop.call_soon_threadsafe(self._collect)

    def _release(self) -> None:
        self._stdin.abort()
        for transport in self._transports:
            transport.close()
        self._transports.clear()


def described(code: int) -> str:
    """Return an exit code in words. Codes above 128 are read as signals, as a shell reports them."""
    if code < 0 or code > 128:
        return f"killed by signal {-code if code < 0 else code - 128}"
    return f"exit code {code}"
