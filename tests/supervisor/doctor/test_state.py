"""What the doctor says of what the daemon keeps."""

from __future__ import annotations

import dataclasses
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from supervisor import maintenance
from supervisor.config import ClaudeCode, Config, McpConfig, ProjectConfig, State
from supervisor.doctor import state
from supervisor.protocol.ports.checks import Standing
from supervisor.runtime.credentials import Credentials
from supervisor.runtime.state import DATABASE_FILE
from supervisor.store.sqlite.migrate import migrate, released
from supervisor.undo.recorder import CHECKPOINTS, shadow_name


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(state=State(dir=str(tmp_path / "state")))


async def test_a_first_start_has_nothing_to_complain_about(config: Config) -> None:
    checks = [*state.folder(config), *await state.database(config)]
    assert {check.status for check in checks} == {Standing.OK}
    assert not config.state_dir.exists()


async def test_nobody_who_may_use_it_is_a_warning(config: Config) -> None:
    await maintenance.call(config, "GET", "/api/admin/users", None)
    sound, people = await state.database(config)
    assert (sound.status, people.status) == (Standing.OK, Standing.WARNING)
    assert "xswarm user add" in people.remedy


async def test_people_without_a_phone_or_mailbox_are_a_warning(config: Config) -> None:
    body = {"name": "Ann", "role": "ADMIN", "phones": [], "emails": [], "projects": []}
    await maintenance.call(config, "PUT", "/api/admin/users/ann", body)
    _, people = await state.database(config)
    assert (people.status, people.detail) == (Standing.WARNING, "1 user, none with a phone or mailbox")
    await maintenance.call(config, "PUT", "/api/admin/users/ann", body | {"phones": ["+15550100"]})
    _, people = await state.database(config)
    assert (people.status, people.detail) == (Standing.OK, "1 user, 1 with a phone or mailbox")


async def test_an_older_database_is_looked_at_and_stays_older(config: Config) -> None:
    config.state_dir.mkdir(mode=0o700)
    with closing(sqlite3.connect(config.state_dir / DATABASE_FILE, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        migrate(connection, released()[:3])
    before = {path.name: path.read_bytes() for path in config.state_dir.iterdir()}
    sound, _ = await state.database(config)
    assert sound.status is Standing.OK
    assert f"from version 3 to {released()[-1].version}" in sound.detail
    assert {path.name: path.read_bytes() for path in config.state_dir.iterdir()} == before


async def test_a_file_that_is_no_database_fails_and_stays_as_it_is(config: Config) -> None:
    await maintenance.call(config, "GET", "/api/admin/users", None)
    broken = config.state_dir / DATABASE_FILE
    broken.write_bytes(b"no database" * 1000)
    (check,) = await state.database(config)
    assert check.status is Standing.FAILED
    assert broken.read_bytes() == b"no database" * 1000


async def test_a_folder_that_others_can_open_is_a_warning(config: Config) -> None:
    config.state_dir.mkdir(mode=0o700)
    config.state_dir.chmod(0o755)
    (check,) = state.folder(config)
    assert (check.status, check.remedy) == (Standing.WARNING, f"chmod 700 {config.state_dir}")


def test_a_key_is_named_and_never_shown(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    (check,) = state.secrets(config, offline=False)
    assert check.status is Standing.WARNING
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-canary")
    (check,) = state.secrets(config, offline=False)
    assert check.status is Standing.OK
    assert "canary" not in repr(check)
    assert state.secrets(config, offline=True) == []


@pytest.mark.parametrize(
    ("settings", "secret"),
    [
        ({"channels": {"sms": {}}}, "TWILIO_AUTH_TOKEN"),
        ({"channels": {"mail": {"smtp": {"username": "us"}}}}, "SMTP_PASSWORD"),
        ({"channels": {"mail": {"smtp": {}}}}, None),
        ({"claude_code": ClaudeCode(connector="remote")}, "CLAUDE_CODE_AUTH_TOKEN"),
    ],
)
def test_what_the_configuration_needs_is_asked_for(
    settings: dict[str, Any], secret: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config(**settings)
    if secret is None:
        assert state.secrets(config, offline=True) == []
        return
    monkeypatch.delenv(secret, raising=False)
    (check,) = state.secrets(config, offline=True)
    assert (check.status, check.detail) == (Standing.WARNING, f"{secret} is not set in this environment")
    assert check.remedy == f"set {secret} or {secret}_FILE for the daemon"
    monkeypatch.setenv(secret, "canary")
    (check,) = state.secrets(config, offline=True)
    assert (check.status, check.remedy) == (Standing.OK, "")


def test_beside_a_daemon_that_runs_nothing_is_missing(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    (check,) = state.secrets(config, offline=False, running=True)
    assert (check.status, check.remedy) == (Standing.OK, "")


def test_damaged_states_are_named_with_their_project(config: Config, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    config = dataclasses.replace(config, projects={"site": ProjectConfig(path=str(tmp_path / "site"))})
    assert state.recorded_states(config) == []
    folder = config.state_dir / CHECKPOINTS
    (folder / f"{shadow_name(str(tmp_path / 'site'))}.damaged-1").mkdir(parents=True)
    (folder / "0.git.damaged-1").mkdir()
    (check,) = state.recorded_states(config)
    assert check.status is Standing.WARNING
    assert check.detail.endswith("cannot be undone: a folder not in config.toml, site")
    assert str(folder) in check.remedy


def test_a_project_whose_folder_cannot_be_used_is_named(config: Config, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    (tmp_path / "site").mkdir()
    paths = {name: ProjectConfig(path=str(tmp_path / name)) for name in ("site", "file", "gone")}
    config = dataclasses.replace(config, projects=paths)
    found = {check.name: (check.status, check.detail) for check in state.projects(config)}
    assert found == {
        "project file": (Standing.WARNING, f"{tmp_path}/file is not a folder"),
        "project gone": (Standing.WARNING, f"{tmp_path}/gone is not there"),
    }
    elsewhere = dataclasses.replace(config, claude_code=ClaudeCode(connector="remote"))
    assert state.projects(elsewhere) == []


async def test_a_lost_database_fails_and_an_empty_one_of_a_new_state_does_not(config: Config) -> None:
    config.state_dir.mkdir(mode=0o700)
    database = config.state_dir / DATABASE_FILE
    database.touch()
    (check,) = await state.database(config)
    assert check.status is Standing.OK
    database.unlink()
    Credentials(config.state_dir, {}).generated("audit")
    for is_there in (False, True):
        if is_there:
            database.touch()
        (check,) = await state.database(config)
        assert check.status is Standing.FAILED
        assert str(database) in check.detail
        assert "restore a backup" in check.remedy


def test_a_folder_that_others_can_write_or_replace_is_told(config: Config, tmp_path: Path) -> None:
    config.state_dir.mkdir(mode=0o700)
    config.state_dir.chmod(0o770)
    (check,) = state.folder(config)
    assert (check.status, check.remedy) == (Standing.FAILED, f"chmod 700 {config.state_dir}")
    config.state_dir.chmod(0o700)
    tmp_path.chmod(0o777)
    (check,) = state.folder(config)
    assert check.status is Standing.WARNING
    assert check.remedy == f"chmod o-w {tmp_path.resolve()}"


def test_tool_servers_are_checked_without_starting_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {
        "here": McpConfig(command="sh"),
        "gone": McpConfig(command="/no/such/program"),
        "secret": McpConfig(url="https://x.example/mcp", headers={"A": "${A_TOKEN} ${B_TOKEN}"}),
    }
    monkeypatch.setenv("A_TOKEN", "a")
    checks = state.tool_servers(Config(state=State(dir=str(tmp_path)), mcp=tables))
    assert [(check.name, check.status) for check in checks] == [
        ("tool server here", Standing.OK),
        ("tool server gone", Standing.WARNING),
        ("tool server secret", Standing.WARNING),
    ]
    assert checks[1].detail == "/no/such/program is not found"
    assert checks[2].detail == "B_TOKEN not set in this environment"
