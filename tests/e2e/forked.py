"""The daemon and the command line as forks of a process that has imported them, which saves most of a start's CPU."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class ForkedProcess:
    """A child of `forking_parent`, with the face of `asyncio.subprocess.Process` as far as tests use it.

    Attributes:
        returncode: None while it runs; -N where signal N ended it.
    """

    def __init__(self, pid: int, told: socket.socket) -> None:
        self.pid = pid
        self.stdout = asyncio.StreamReader()
        self.stderr = asyncio.StreamReader()
        self.returncode: int | None = None
        self._pidfd: int | None = None
        with suppress(ProcessLookupError):  # where it has ended already
            self._pidfd = os.pidfd_open(pid)  # unlike the pid, it is never another process
        self._transports: list[asyncio.BaseTransport] = []
        self._end = asyncio.create_task(self._note_end(told), name=f"end of {pid}")

    async def wait(self) -> int:
        """Wait for its end; return its exit code."""
        return await asyncio.shield(self._end)

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self._pidfd is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def close(self) -> None:
        """Close the pipes, when it has ended."""
        for transport in self._transports:
            transport.close()

    async def communicate(self) -> tuple[bytes, bytes]:
        """Wait for its end; return what it wrote."""
        out, err = await asyncio.gather(self.stdout.read(), self.stderr.read())
        await self.wait()
        self.close()
        return out, err

    async def read(self, stdout: int, stderr: int) -> None:
        """Begin to read from its pipes."""
        for fd, reader in ((stdout, self.stdout), (stderr, self.stderr)):
            protocol = partial(asyncio.StreamReaderProtocol, reader)
            transport, _ = await asyncio.get_running_loop().connect_read_pipe(protocol, os.fdopen(fd, "rb"))
            self._transports.append(transport)

    async def _note_end(self, told: socket.socket) -> int:
        with told:
            text = await asyncio.get_running_loop().sock_recv(told, 32)
        # Without a word, the parent has been killed, and this child belongs to nobody.
        self.returncode = int(text) if text else -signal.SIGKILL
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None
        return self.returncode


async def start(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, stdin: bytes = b""
) -> ForkedProcess:
    """Run `python -m MODULE` as a fork; returns when there is a process.

    Args:
        stdin: all that it reads there, at most what a pipe holds.
    """
    pipes = os.pipe(), os.pipe()
    told, tells = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    told.setblocking(False)
    request = {"module": module, "arguments": list(arguments), "environment": dict(environment), "folder": str(folder)}
    streams = [_filled(stdin), *(pipe[1] for pipe in pipes)]
    socket.send_fds(_parent(), [json.dumps(request).encode()], [*streams, tells.fileno()])
    for fd in streams:
        os.close(fd)
    tells.close()
    process = ForkedProcess(int(await asyncio.get_running_loop().sock_recv(told, 32)), told)
    await process.read(*(pipe[0] for pipe in pipes))
    return process


def _filled(stdin: bytes) -> int:
    """Return what a process reads these bytes from, and then the end."""
    if not stdin:
        return os.open(os.devnull, os.O_RDONLY)
    readable, writable = os.pipe()
    os.write(writable, stdin)
    os.close(writable)
    return readable


@cache
def _parent() -> socket.socket:
    """Return the socket of the parent of all daemons of this process of pytest; it ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.e2e.forking_parent", str(theirs.fileno())]
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment, cwd=ROOT)
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours
