"""A real daemon in a subprocess, on free ports, with a clean environment."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.e2e import forked
from tests.slowness import scaled

ROOT = Path(__file__).resolve().parents[2]

START_SECONDS = 60.0
STOP_SECONDS = 60.0

MOST_STDIN = 10_000
"""The most characters that a pipe takes before somebody reads."""

AT_EXEC = ("PYTHON", "LD_")
"""How variables begin that count when a program is loaded only, e.g. where its modules are."""

LOADED = ("env",)
"""A prefix for a daemon that must be loaded for itself: Linux shows the environment of a fork as that of its parent."""

TABLES = """\
[supervisor]
{supervisor}

[http]
{http}

[state]
dir = "{state}"
"""


def scrubbed(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment for subprocesses of tests: PATH, a home folder, and the given variables."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), **(extra or {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        assert self.code == 0, self
        return json.loads(self.out)


async def run(
    command: Sequence[str], environment: Mapping[str, str], stdin: str = "", *, folder: Path | None = None
) -> Ended:
    """Run a command to its end.

    Args:
        folder: in which it runs, where Python looks for modules first; None = that of the tests.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    return await _ended(process, process.communicate(stdin.encode()))


async def _ended(
    process: asyncio.subprocess.Process | forked.ForkedProcess, writes: Awaitable[tuple[bytes, bytes]]
) -> Ended:
    """Wait for the end of a process, and for what it writes."""
    async with asyncio.timeout(scaled(START_SECONDS)):
        out, err = await writes
    assert process.returncode is not None
    return Ended(code=process.returncode, out=out.decode(), err=err.decode())


class DaemonProcess:
    """Runs `python -m supervisor`, without a prefix as a fork of a process that has imported it.

    Args:
        folder: for its config, state and home.
        config: more of config.toml, after the ports and the state folder.
        supervisor: the lines of its [supervisor] table.
        http: the lines of its [http] table.
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
        supervisor: str = "port = 0",
        http: str = "port = 0",
        arguments: Sequence[str] = ("--demo",),
        prefix: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.config = folder / "config.toml"
        self.state = folder / "state" / "demo" if "--demo" in arguments else folder / "state"
        self.addresses: dict[str, Any] = {}
        self.said = ""
        self._all_arguments = ("--config", str(self.config), *arguments)
        self._last_line = b"Ctrl-C stops it" if "--demo" in arguments else b"is ready"
        self._prefix = prefix
        self._environment = dict(environment or {})
        self._process: asyncio.subprocess.Process | forked.ForkedProcess | None = None
        self._errors: asyncio.Task[None] | None = None
        self.log: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)
        tables = TABLES.format(supervisor=supervisor, http=http, state=folder / "state")
        self.config.write_text(tables + config, encoding="utf-8")

    @property
    def pid(self) -> int:
        """The process id of the outermost process, e.g. of the prefix command."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended yet."""
        return self._process is not None and self._process.returncode is None

    @property
    def code(self) -> int | None:
        """The exit code of the last run; None = it runs, or was never started."""
        return None if self._process is None else self._process.returncode

    @property
    def token(self) -> str:
        """The operator's token."""
        return (self.state / "operator.token").read_text(encoding="utf-8").strip()

    @property
    def command(self) -> list[str]:
        """The command that starts it."""
        return [*self._prefix, sys.executable, "-m", "supervisor", *self._all_arguments]

    @property
    def _is_forked(self) -> bool:
        return not self._prefix and not any(name.startswith(AT_EXEC) for name in self._environment)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the daemon; the command line works with it as well."""
        return scrubbed(self.folder, {"XSWARM_CONFIG": str(self.config), **self._environment})

    def set(self, environment: Mapping[str, str]) -> None:
        """Change variables of its environment, from its next start on."""
        self._environment.update(environment)

    async def start(self, within: float | None = START_SECONDS) -> None:
        """Start it, for the first time or again; returns when it is ready.

        Args:
            within: in seconds, on the machine that the tests are written on; None = a standby may wait for ever.
        """
        self.said = ""
        self._process = await self._begun()
        self._errors = asyncio.create_task(self._read_log(self._process))
        assert self._process.stdout is not None
        async with asyncio.timeout(None if within is None else scaled(within)):
            while self._last_line not in (line := await self._process.stdout.readline()):
                if not line:
                    await self._process.wait()
                    await self._errors
                    raise AssertionError("it did not start:\n" + "".join(self.log))
                self.said += line.decode()
        self.said += line.decode()
        self.addresses = json.loads((self.state / "addresses.json").read_text(encoding="utf-8"))

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Send it a signal and wait for its end; return its exit code."""
        if self.running:
            self.send_signal(number)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for its end; return its exit code."""
        assert self._process is not None
        async with asyncio.timeout(scaled(STOP_SECONDS)):
            code = await self._process.wait()
        assert self._errors is not None
        await self._errors
        if isinstance(self._process, forked.ForkedProcess):
            self._process.close()
        elif (transport := getattr(self._process, "_transport", None)) is not None:
            transport.close()
        return code

    async def fails_to_start(self) -> Ended:
        """Start a daemon that cannot run; return how its process ended."""
        return await run(self.command, self.environment, folder=self.folder)

    async def xswarm(self, *arguments: str, stdin: str = "") -> Ended:
        """Run the command line beside it, also as a fork."""
        if not self._is_forked or len(stdin) > MOST_STDIN:
            command = [sys.executable, "-m", "cli.main", *arguments]
            return await run(command, self.environment, stdin, folder=self.folder)
        process = await forked.start("cli.main", arguments, self.environment, self.folder, stdin.encode())
        return await _ended(process, process.communicate())

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _begun(self) -> asyncio.subprocess.Process | forked.ForkedProcess:
        if self._is_forked:
            return await forked.start("supervisor", self._all_arguments, self.environment, self.folder)
        return await asyncio.create_subprocess_exec(
            *self.command,
            cwd=self.folder,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def _read_log(self, process: asyncio.subprocess.Process | forked.ForkedProcess) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            self.log.append(line.decode(errors="replace"))
