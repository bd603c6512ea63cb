"""What the doctor says of what the daemon keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor import maintenance
from supervisor.config import Config, State
from supervisor.doctor import state
from supervisor.opening import DATABASE
from supervisor.protocol.checks import Standing


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


async def test_a_file_that_is_no_database_fails_and_stays_as_it_is(config: Config) -> None:
    await maintenance.call(config, "GET", "/api/admin/users", None)
    broken = config.state_dir / DATABASE
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
