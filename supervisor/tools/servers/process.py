"""The process of a tool server with its pipes, from its start until it and all of its descendants have ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import uuid
from pathlib import Path

from supervisor.protocol.conversation import PROCESS_MARK
from supervisor.protocol.errors import TemporaryFailure
from supervisor.tools.servers.chatter import Chatter
from supervisor.tools.servers.settings import Program

KEEPER = str(Path(__file__).with_name("keeper.py"))

LONGEST_LINE = 32 * 1024 * 1024
"""Bytes of the longest message of a server; a longer one ends the connection."""

DRAIN_SECONDS = 2.0
"""Seconds that a server has to end after its stdin is closed, and again after SIGTERM."""

KILL_SECONDS = 5.0
"""Seconds that the kernel has to end a process tree after SIGKILL."""


class ServerProcess:
    """A running tool server; `start` makes it. One task calls `line`; `end` must be awaited.

    On Linux a keeper process stands between the daemon and the server, and ends the server's whole tree.
    """

    def __init__(self, process: asyncio.subprocess.Process, chatter: Chatter) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._listening = asyncio.create_task(_listen(process.stderr, chatter), name=f"stderr of {process.pid}")

    @classmethod
    async def start(cls, program: Program, chatter: Chatter) -> ServerProcess:
        """Start a server.

        Args:
            chatter: takes what it writes to stderr.

        Raises:
            TemporaryFailure: it cannot be started now.
        """
        kept = (sys.executable, "-I", "-S", KEEPER, str(DRAIN_SECONDS)) if sys.platform == "linux" else ()
        # With the mark of an agent no server can answer a question about itself, whatever token it has.
        environment = {**program.environment, PROCESS_MARK: uuid.uuid4().hex}
        try:
            process = await asyncio.create_subprocess_exec(
                *kept,
                *program.argv,
                cwd=program.cwd or None,
                env=environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=LONGEST_LINE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            raise TemporaryFailure(f"it cannot be started: {why}: {getattr(error, 'filename', None) or ''}") from None
        return cls(process, chatter)

    @property
    def pid(self) -> int:
        """The process of the keeper, or of the server where there is no keeper."""
        return self._process.pid

    async def line(self) -> bytes | None:
        """Return the next line of stdout without its end; None = there is none any more.

        Raises:
            TemporaryFailure: the line is longer than `LONGEST_LINE`.
        """
        try:
            line = await self._stdout.readuntil(b"\n")
        except asyncio.IncompleteReadError as error:
            line = error.partial
        except asyncio.LimitOverrunError:
            raise TemporaryFailure(f"it wrote a line of more than {LONGEST_LINE // 1_048_576} MiB") from None
        except OSError:
            return None
        return line.rstrip(b"\r\n") if line else None

    async def write(self, data: bytes) -> None:
        """Write to stdin; returns when the pipe has taken the data.

        Raises:
            OSError: the server has closed its stdin, or has ended.
        """
        if self._stdin.is_closing():
            raise BrokenPipeError
        self._stdin.write(data)
        await self._stdin.drain()

    async def how_it_ended(self) -> str:
        """Return in words how the process ended, or that it only closed its output."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                code = await self._process.wait()
                how = f"was killed by signal {code - 128 if code > 128 else -code}" if code < 0 or code > 128 else ""
                return f"it {how or f'ended with exit code {code}'}"
        return "it closed its output"

    async def end(self) -> None:
        """Close stdin, then send SIGTERM, then kill; returns when nothing is left."""
        self._stdin.close()
        draining = asyncio.create_task(_drain(self._stdout), name=f"stdout of {self.pid}")
        if not await self._ended(DRAIN_SECONDS):
            self._signal(signal.SIGTERM)
            if not await self._ended(DRAIN_SECONDS + KILL_SECONDS):
                self._signal(signal.SIGKILL)
                await self._ended(KILL_SECONDS)
        if sys.platform != "linux":
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
        for task in (draining, self._listening):
            await asyncio.wait([task], timeout=DRAIN_SECONDS)
            task.cancel()
        await asyncio.gather(draining, self._listening, return_exceptions=True)

    async def _ended(self, seconds: float) -> bool:
        waiting = asyncio.create_task(self._process.wait(), name=f"end of {self.pid}")
        await asyncio.wait([waiting], timeout=seconds)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return self._process.returncode is not None

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)


async def _listen(stderr: asyncio.StreamReader, chatter: Chatter) -> None:
    with contextlib.suppress(OSError):
        while data := await stderr.read(65_536):
            chatter.hear(data)
    chatter.close()


async def _drain(stdout: asyncio.StreamReader) -> None:
    """Throw away what is left of the output: a server that waits to write cannot end."""
    with contextlib.suppress(OSError):
        while await stdout.read(65_536):
            pass
