"""Fixtures: a configuration for each test, and a stand-in for the daemon."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.main import run
from tests.cli.daemon_stand_in import DaemonStandIn
from tests.cli.records import Records
from tests.slowness import scaled

SESSION = "0198b2c4-5d6e-7f80-91a2-b3c4d5e6f708"


@dataclass(frozen=True)
class Outcome:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Outcome]


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def config_file(tmp_path: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with one project, found by XSWARM_CONFIG."""
    path = tmp_path / "config.toml"
    text = f'[state]\ndir = "{state_dir}"\n[projects.website]\npath = "/srv/website"\nusers = ["alice"]\n'
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("XSWARM_CONFIG", str(path))
    monkeypatch.chdir(tmp_path)
    return path


@pytest.fixture
def daemon(config_file: Path, state_dir: Path) -> Iterator[DaemonStandIn]:
    """A daemon with one session of alice's."""
    records = Records()
    records.add_session(SESSION)
    stand_in = DaemonStandIn(state_dir, records).start()
    yield stand_in
    stand_in.stop()


@pytest.fixture
def xswarm(config_file: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run a command line in this process."""

    def command(*arguments: str) -> Outcome:
        capfd.readouterr()
        code = run(arguments)
        captured = capfd.readouterr()
        return Outcome(code, captured.out, captured.err)

    return command


def command_line(*arguments: str) -> Sequence[str]:
    """Return a command line for a process of its own."""
    return [sys.executable, "-m", "cli.main", *arguments]


def process_environment() -> dict[str, str]:
    """Return a minimal environment for a process, without variables that change its behaviour by accident."""
    kept = ("PATH", "HOME", "PYTHONPATH", "XSWARM_CONFIG", "SUPERVISOR_WEBSOCKET_URL", "SUPERVISOR_TOKEN")
    root = str(Path(__file__).parents[2])
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "PYTHONPATH": os.environ.get("PYTHONPATH", root),
        "TERM": "xterm",
    }


def run_process(*arguments: str, stdin: str = "") -> Outcome:
    """Run a command line in a process of its own."""
    done = subprocess.run(
        command_line(*arguments),
        input=stdin,
        capture_output=True,
        text=True,
        env=process_environment(),
        timeout=scaled(60),
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
