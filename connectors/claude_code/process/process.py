"""One process with its pipes, from start until nothing is left of it or of what it started.

Neither asyncio's nor uvloop's subprocess support: the one needs a child watcher, the other forks and stalls the loop.
`Popen` with vfork takes 1 to 2 ms. It must run on the thread that lives as long as the daemon (the loop's): the fence
is bound to the *thread* that started it.
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
from io import FileIO
from typing import IO, cast

from connectors.claude_code.process import tree
from connectors.claude_code.process.allowance import Excess
from connectors.claude_code.process.cgroup import Group
from connectors.claude_code.process.fence import Fence
from supervisor.protocol.conversation import PROCESS_MARK, ProcessIdentity

logger = logging.getLogger(__name__)

READ_SIZE = 256 * 1024
"""Bytes that are read at once."""
HURRIED_TERM = 0.5
"""Seconds from SIGTERM to SIGKILL for a process that is closed in a turn."""
STDERR_TAIL = 16 * 1024
"""Bytes of stderr that are kept."""


class WriteFailed(Exception):
    """The process does not take its input.

    Args:
        certain: nothing of it can have been taken: it was gone before.
    """

    def __init__(self, *, certain: bool) -> None:
        super().__init__(certain)
        self.certain = certain

    def __str__(self) -> str:
        return "it has ended" if self.certain else "it does not take its input"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long each step of ending a process may take, in seconds: stdin closed, SIGTERM, SIGKILL."""

    drain: float = 5.0
    term: float = 3.0
    kill: float = 5.0

    def hurried(self) -> Patience:
        """Return what a process gets that is closed in a turn: the turn counts as ended, so it must do nothing more."""
        return replace(self, drain=0.0, term=min(self.term, HURRIED_TERM))


class Process:
    """A running process; made by `start`. One task reads it, and `end` must be awaited."""

    def __init__(self, popen: subprocess.Popen[bytes], fence: Fence, mark: str, group: Group | None) -> None:
        self._group = group
        self._popen = popen
        self._fence = fence
        self._mark = mark
        self._exited = asyncio.get_running_loop().create_future()
        self._stdout = asyncio.StreamReader(limit=READ_SIZE)
        self._stderr = _Tail(STDERR_TAIL)
        self._stdin = _Input()
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
    ) -> Process:
        """Start a process in its fence.

        Args:
            env: the whole environment; it must hold `mark` as XSWARM_PROCESS.
            group: a control group made for it, which ends with it.

        Raises:
            OSError: it could not be started.
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
        )
        process = cls(popen, fence, mark, group)
        try:
            await process._connect()
        except BaseException:  # cancelled, or no more descriptors: nobody will know of it who could end it
            await asyncio.shield(asyncio.create_task(process._give_up(), name=f"give up {popen.pid}"))
            raise
        return process

    @property
    def exit_code(self) -> int | None:
        """Negative for a signal; None while it runs."""
        return self._popen.returncode

    def listen_to_errors(self, listener: Callable[[str], None]) -> None:
        """Hand every line of stderr on, as it comes."""
        self._stderr.listener = listener

    def excess(self) -> Excess | None:
        """Return what the kernel has ended it for, if that is why it ended."""
        return self._group.excess() if self._group is not None else None

    @property
    def last_words(self) -> str:
        """The last lines that it wrote to stderr."""
        return self._stderr.text()

    async def read(self) -> bytes:
        """Return the next bytes of its output; empty at its end."""
        return await self._stdout.read(READ_SIZE)

    async def write(self, data: bytes, *, timeout: float) -> None:
        """Write a line; returns when the process or its pipe has taken it.

        Args:
            timeout: in seconds.

        Raises:
            WriteFailed: it has ended, or it does not read.
        """
        if self._stdin.closed or self._popen.returncode is not None:
            raise WriteFailed(certain=True)
        self._stdin.write(data)
        try:
            await asyncio.wait_for(self._stdin.drained(), timeout)
        except TimeoutError:
            raise WriteFailed(certain=False) from None

    async def wait(self, timeout: float | None = None) -> int | None:
        """Wait until it has ended; return its exit code, or None where it still runs after `timeout` seconds."""
        await asyncio.wait([self._exited], timeout=timeout)
        return self._popen.returncode

    async def end(self, patience: Patience) -> None:
        """Close its input, then ask, then kill; returns when nothing is left. Its output must be read meanwhile."""
        self._stdin.close()
        if await self.wait(patience.drain) is None:
            self._ask()
            await self.wait(patience.term)
        await self.kill(patience.kill)

    async def kill(self, timeout: float) -> None:
        """Kill it and everything it started; returns when nothing is left, or says in the log what is."""
        if self._group is not None:
            await self._group.end(timeout)
        left = [] if self._popen.returncode is not None else await tree.end_tree(self.identity, timeout=timeout)
        if self._popen.returncode is None:
            # Where there is no /proc, its process group is all we know of.
            self._signal_group(signal.SIGKILL)
        # A namespace takes a moment to fall after its outermost process, and without one a child may have got away.
        left += await tree.end_all(lambda: tree.marked(PROCESS_MARK, self._mark), timeout=timeout)
        if left or await self.wait(timeout) is None:
            logger.error("process %d could not be ended", self.identity.pid)
        self._release()

    def _ask(self) -> None:
        """Send SIGTERM to the command itself: a fence that goes first would take it down without a chance to save."""
        target = self.identity
        for _ in range(self._fence.depth):
            below = tree.descendants(target.pid)
            if not below:
                break
            target = below[0]
        if not tree.send(target, signal.SIGTERM):
            self._signal_group(signal.SIGTERM)

    def _signal_group(self, number: int) -> None:
        if self._popen.returncode is None:  # not yet collected, so the pid cannot be another's
            try:
                os.killpg(self._popen.pid, number)
            except OSError:
                logger.debug("process group %d is gone", self._popen.pid)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        popen = self._popen
        output = asyncio.StreamReaderProtocol(self._stdout)
        self._transports.append((await loop.connect_read_pipe(lambda: output, _for(loop, popen.stdout, "r")))[0])
        self._transports.append((await loop.connect_read_pipe(lambda: self._stderr, _for(loop, popen.stderr, "r")))[0])
        await loop.connect_write_pipe(lambda: self._stdin, _for(loop, popen.stdin, "w"))
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
        """End it though its pipes are not all connected; it was not watched, since that comes last."""
        for pipe in filter(None, (self._popen.stdin, self._popen.stdout, self._popen.stderr)):
            pipe.close()
        with contextlib.suppress(OSError):  # no more descriptors: it is killed all the same
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


def _for(loop: asyncio.AbstractEventLoop, pipe: IO[bytes] | None, mode: str) -> FileIO:
    """Return our end of a pipe as a file that this loop closes, once.

    uvloop closes the descriptor and then the file, which would close whatever another thread has opened in between.
    """
    assert pipe is not None
    descriptor = os.dup(pipe.fileno())
    pipe.close()
    return FileIO(descriptor, mode, closefd=isinstance(loop, asyncio.BaseEventLoop))


def described(code: int) -> str:
    """Return an exit code in words, a shell's for a signal too."""
    if code < 0 or code > 128:
        return f"killed by signal {-code if code < 0 else code - 128}"
    return f"exit code {code}"


class _Tail(asyncio.Protocol):
    """Keeps the end of what is written."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data = b""
        self._unfinished = b""
        self.listener: Callable[[str], None] | None = None

    def data_received(self, data: bytes) -> None:
        self._data = (self._data + data)[-self._limit :]
        if self.listener is not None:
            *lines, self._unfinished = (self._unfinished + data).split(b"\n")
            self._unfinished = self._unfinished[-self._limit :]
            for line in filter(None, lines):
                self.listener(line.decode(errors="replace"))

    def connection_lost(self, exc: Exception | None) -> None:
        if self.listener is not None and self._unfinished:  # last words without the end of their line
            self.listener(self._unfinished.decode(errors="replace"))
        self._unfinished = b""

    def text(self) -> str:
        return self._data.decode(errors="replace").strip()


class _Input(asyncio.BaseProtocol):
    """The writing end of a pipe, with a wait for the reader."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._free = asyncio.Event()
        self._free.set()
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # By its contract a WriteTransport; uvloop's is none by class.
        self._transport = cast(asyncio.WriteTransport, transport)

    def pause_writing(self) -> None:
        self._free.clear()

    def resume_writing(self) -> None:
        self._free.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._transport = None
        self._free.set()

    def write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    async def drained(self) -> None:
        await self._free.wait()

    def close(self) -> None:
        """Close it once what is buffered has been taken."""
        self.closed = True
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close it now: nobody will read the rest."""
        self.closed = True
        if self._transport is not None:
            self._transport.abort()
