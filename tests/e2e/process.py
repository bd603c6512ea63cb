"""A real daemon in a process of its own, on free ports, with an environment that holds nothing of ours."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]

START_SECONDS = 60.0
STOP_SECONDS = 60.0

QUIET = """
[supervisor]
port = 0

[http]
port = 0

[state]
dir = "{state}"
"""


def scrubbed(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment for children of tests: a path, a home of their own, and what is given."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), **(extra or {})}


class DaemonProcess:
    """Runs `python -m supervisor`.

    Args:
        folder: for its config, state and home.
        config: more of config.toml, after the ports and the state folder.
        arguments: such as `--offline` or `--demo`.
        prefix: a command that runs it, e.g. in a network namespace.
        environment: besides the scrubbed one.

    Attributes:
        state: its state.dir, the demo's with `--demo`.
        addresses: what it wrote to addresses.json.
        said: its stdout until it was ready.
    """

    def __init__(
        self,
        folder: Path,
        *,
        config: str = "",
        arguments: Sequence[str] = ("--demo",),
        prefix: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.config = folder / "config.toml"
        self.state = folder / "state" / "demo" if "--demo" in arguments else folder / "state"
        self.addresses: dict[str, Any] = {}
        self.said = ""
        self._arguments = arguments
        self._prefix = prefix
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._errors: asyncio.Task[None] | None = None
        self.log: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(QUIET.format(state=folder / "state") + config, encoding="utf-8")

    @property
    def pid(self) -> int:
        """Of the outermost process that was started."""
        assert self._process is not None
        return self._process.pid

    @property
    def token(self) -> str:
        """The operator's token."""
        return (self.state / "operator.token").read_text(encoding="utf-8").strip()

    @property
    def command(self) -> list[str]:
        """How it is started."""
        return [*self._prefix, sys.executable, "-m", "supervisor", "--config", str(self.config), *self._arguments]

    @property
    def environment(self) -> dict[str, str]:
        """What it is started with; good for the command line, too."""
        return scrubbed(self.folder, {"XSWARM_CONFIG": str(self.config), **(self._environment or {})})

    async def start(self) -> None:
        """Start it; returns when it is ready."""
        self._process = await asyncio.create_subprocess_exec(
            *self.command,
            cwd=self.folder,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self._errors = asyncio.create_task(self._read_log(self._process))
        assert self._process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            while b"is ready" not in (line := await self._process.stdout.readline()):
                if not line:
                    await self._process.wait()
                    await self._errors
                    raise AssertionError("it did not start:\n" + "".join(self.log))
                self.said += line.decode()
        self.said += line.decode()
        self.addresses = json.loads((self.state / "addresses.json").read_text(encoding="utf-8"))

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Send it a signal and wait for its end; return its exit code."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        async with asyncio.timeout(STOP_SECONDS):
            code = await self._process.wait()
        assert self._errors is not None
        await self._errors
        transport = getattr(self._process, "_transport", None)
        if transport is not None:
            transport.close()
        return code

    async def xswarm(self, *arguments: str) -> tuple[int, str, str]:
        """Run the command line beside it; return exit code, stdout and stderr."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli.main", *arguments),
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _read_log(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            self.log.append(line.decode(errors="replace"))
