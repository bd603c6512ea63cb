"""The command line as a whole: help, exit codes and JSON; a person never sees a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.conftest import SESSION, Command, command_line, process_environment, run_process
from tests.cli.daemon_stand_in import DaemonStandIn
from tests.slowness import scaled

COMMANDS = [
    "serve",
    "init",
    "claude",
    "claude status",
    "claude cost",
    "claude start",
    "claude send",
    "claude interrupt",
    "claude stop",
    "claude history",
    "claude connect",
    "user",
    "user add",
    "user list",
    "user show",
    "user remove",
    "token",
    "token create",
    "token list",
    "token revoke",
    "token jwt",
    "route",
    "db",
    "db backup",
    "db check",
    "db copy",
    "audit",
    "audit verify",
    "audit export",
]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_has_help_with_an_example(xswarm: Command, command: str) -> None:
    outcome = xswarm(*command.split(), "--help")
    assert (outcome.code, outcome.err) == (0, "")
    words = " ".join(outcome.out.split())
    assert f"Usage: xswarm {command}".strip() in words
    assert f"Example: xswarm {command}".strip() in words


def test_help_imports_no_command() -> None:
    code = (
        "import sys\n"
        "from cli.main import run\n"
        "assert run(['--help']) == 0\n"
        "heavy = {'pydantic', 'websockets', 'cli.claude', 'supervisor.config', 'supervisor.daemon'}\n"
        "assert not heavy & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=process_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_client_commands_do_not_import_the_daemon(daemon: DaemonStandIn) -> None:
    code = (
        "import sys\n"
        "from cli.main import run\n"
        "assert run(['claude', 'status']) == 0\n"
        "assert not {'fastapi', 'uvicorn', 'supervisor.daemon', 'supervisor.store'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=process_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "claude status",
        "claude status --all",
        f"claude status {SESSION}",
        "claude cost --by day",
        "claude start --user alice --project website",
        f"claude send {SESSION} hello",
        f"claude interrupt {SESSION}",
        f"claude history {SESSION}",
        f"claude stop {SESSION}",
        "user list",
        "user add bob --role operator",
        "token create --service s",
        "token list",
        "token jwt --user alice",
        "route hello",
        "db check",
        "audit verify",
    ],
)
def test_json_is_one_document_and_nothing_else(daemon: DaemonStandIn, xswarm: Command, command: str) -> None:
    outcome = xswarm(*command.split(), "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.document is not None


@pytest.mark.parametrize(
    "command",
    [
        "claude status",
        "claude cost",
        f"claude history {SESSION}",
        "claude start --user alice --project website",
        f"claude connect {SESSION}",
        "claude status --watch",
    ],
)
def test_no_daemon_is_exit_code_3(config_file: Path, command: str) -> None:
    outcome = run_process(*command.split())
    assert (outcome.code, outcome.out) == (3, "")
    assert "xswarm serve" in outcome.err
    assert "Traceback" not in outcome.err


def test_wrong_token_is_exit_code_5(daemon: DaemonStandIn, xswarm: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPERVISOR_TOKEN", "wrong")
    outcome = xswarm("claude", "status", "--json")
    assert (outcome.code, outcome.out) == (5, "")
    assert "Not authenticated" in outcome.err
    assert "wrong" not in outcome.err


@pytest.mark.parametrize(
    "command", ["", "nonsense", "claude", "claude nonsense", "claude status --nonsense", "user add", "claude send x"]
)
def test_wrong_usage_is_exit_code_2(xswarm: Command, command: str) -> None:
    assert xswarm(*command.split()).code == 2


def test_typing_error_gets_a_suggestion(xswarm: Command) -> None:
    assert "'claude'" in xswarm("cluade").err


def test_broken_configuration_is_exit_code_1(xswarm: Command, config_file: Path) -> None:
    config_file.write_text("[nonsense]\n", encoding="utf-8")
    outcome = xswarm("claude", "status")
    assert (outcome.code, outcome.out) == (1, "")
    assert "nonsense: unknown key" in outcome.err


def test_configuration_may_be_named(daemon: DaemonStandIn, xswarm: Command, config_file: Path, tmp_path: Path) -> None:
    moved = config_file.rename(tmp_path / "other.toml")
    assert xswarm("claude", "status").code == 1
    assert SESSION in xswarm("claude", "status", "--config", str(moved)).out


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_closed_pipe_ends_quietly(daemon: DaemonStandIn, options: Sequence[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        command_line("claude", "status", *options),
        stdout=writing,
        stderr=subprocess.PIPE,
        env=process_environment(),
        text=True,
    ) as process:
        os.close(writing)
        _, err = process.communicate(timeout=scaled(30))
    assert process.returncode == 1
    assert err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_what_cannot_be_written_is_a_failure(daemon: DaemonStandIn, options: Sequence[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        command = command_line("claude", "status", *options)
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, env=process_environment(), text=True, check=False
        )
    assert (done.returncode, done.stderr) == (1, "Error: No space left on device\n")


def test_narrow_encoding_is_no_failure(daemon: DaemonStandIn) -> None:
    environment = process_environment() | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        command_line("claude", "send", SESSION, "say naïve ☕"), env=environment, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, b"na?ve ?\n")


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-", ">&- 2>&- <&-"])
def test_a_closed_output_is_no_error(redirection: str, tmp_path: Path) -> None:
    """Some services start their programs without the standard streams."""
    command = subprocess.run(
        ["sh", "-c", f'exec "$0" -m cli.main user list {redirection}', sys.executable],
        env={**process_environment(), "XSWARM_CONFIG": str(empty_config(tmp_path))},
        capture_output=True,
        text=True,
        timeout=scaled(60),
    )
    assert (command.returncode, "bug" in command.stderr, "Traceback" in command.stderr) == (0, False, False)


def empty_config(folder: Path) -> Path:
    path = folder / "config.toml"
    path.write_text(f'[state]\ndir = "{folder / "state"}"\n', encoding="utf-8")
    return path
