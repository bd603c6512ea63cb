"""The doctor is there without a daemon, and only for the commands that need it."""

from __future__ import annotations

from pathlib import Path

from cli.daemon import checks
from tests.cli.test_lazy import imported_by


def test_what_the_doctor_finds_is_plain_data(config_file: Path) -> None:
    found = {check["name"]: check for check in checks.examine(config_file, offline=True)}
    assert found["python"].keys() == {"name", "status", "detail", "remedy"}
    assert found["daemon"]["detail"].startswith("not running")


def test_a_command_without_a_daemon_imports_no_doctor_and_no_client_of_http(config_file: Path) -> None:
    modules = imported_by("user", "list")
    assert "supervisor.maintenance" in modules
    assert not modules & {"supervisor.doctor", "aiohttp", "supervisor.sessions.pool"}
