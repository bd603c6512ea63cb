"""The whole examination."""

from __future__ import annotations

from pathlib import Path

from supervisor.doctor import doctor
from supervisor.protocol.ports.checks import Standing


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(f'[state]\ndir = "{folder / "state"}"\n{text}', encoding="utf-8")
    return path


async def test_a_configuration_that_cannot_be_read_ends_it_and_names_the_key(tmp_path: Path) -> None:
    *_, last = await doctor.examine(written(tmp_path, "[http]\nprot = 1\n"))
    assert (last.name, last.status) == ("configuration", Standing.FAILED)
    assert "http.prot" in last.detail


async def test_an_unknown_connector_is_one_of_the_findings(tmp_path: Path) -> None:
    checks = await doctor.examine(written(tmp_path, '[claude_code]\nconnector = "nowhere"\n'))
    assert "nowhere" in {check.name for check in checks if check.status is Standing.FAILED}
    assert checks[-1].name == "database"


async def test_looking_changes_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, '[claude_code]\nconnector = "echo"\n')
    await doctor.examine(path)
    assert [found.name for found in tmp_path.iterdir()] == ["config.toml"]
