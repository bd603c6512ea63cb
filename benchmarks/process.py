"""A subprocess that is measured: starts it, waits until it is ready, reads its usage from /proc, and ends it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

READY_SECONDS = 30.0
STOP_SECONDS = 30.0

KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH")
"""The environment variables that a child inherits, so that it gets no key or token of the shell."""


class Watched:
    """A child process, and the line that it printed when it was ready."""

    def __init__(self, pid: int, first_line: str) -> None:
        self.pid = pid
        self.first_line = first_line

    def cpu_seconds(self) -> float:
        """Return the CPU time of its threads so far, in seconds (proc(5), schedstat)."""
        used = 0
        for thread in Path(f"/proc/{self.pid}/task").iterdir():
            used += int((thread / "schedstat").read_text().split()[0])
        return used / 1e9

    def resident_bytes(self) -> int:
        """Return its resident memory, in bytes."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise ProcessLookupError(self.pid)


def environment() -> dict[str, str]:
    """Return the environment of a child."""
    return {name: os.environ[name] for name in KEPT if name in os.environ}


@asynccontextmanager
async def started(
    module: str, *arguments: str, folder: Path | None = None, secrets: Mapping[str, str] | None = None
) -> AsyncIterator[Watched]:
    """Run `python -m MODULE` until the context ends. Its first line of output says that it is ready.

    Args:
        secrets: more variables of its environment.

    Raises:
        RuntimeError: it ended, or printed nothing in time. Its stderr goes to our stderr.
    """
    command: Sequence[str] = (sys.executable, "-m", module, *arguments)
    root = Path(__file__).parent.parent
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        env=environment() | {"PYTHONPATH": str(root)} | dict(secrets or {}),
        cwd=folder or root,
    )
    assert process.stdout is not None
    try:
        try:
            line = await asyncio.wait_for(process.stdout.readline(), READY_SECONDS)
        except TimeoutError:
            line = b""
        if not line:
            raise RuntimeError(f"python -m {module} did not become ready")
        yield Watched(process.pid, line.decode().strip())
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
