"""The CLI is found where it was configured, or inside claude-agent-sdk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connectors.claude_code.process import installation
from supervisor.protocol.errors import ConfigError
from supervisor.protocol.ports.checks import Standing

TESTED = "2.1.329"
"""The version that wrote protocol/golden/; protocol/record.py records a newer one."""


def test_the_wheel_carries_the_cli() -> None:
    path = installation.find(None)
    assert os.path.basename(path) == "claude"
    assert os.access(path, os.X_OK)


@pytest.mark.cli_process
async def test_the_installed_version_is_the_one_whose_frames_are_recorded() -> None:
    assert await installation.ask_version(installation.find(None)) == TESTED == installation.TESTED_VERSION


def test_another_version_than_the_tested_one_is_a_warning() -> None:
    assert installation.examined("claude", TESTED).status is Standing.OK
    other = installation.examined("claude", "1.0.0")
    assert (other.status, bool(other.remedy)) == (Standing.WARNING, True)


@pytest.mark.parametrize("name", ["missing", "folder", "text"])
def test_what_cannot_be_run_is_an_error_with_a_remedy(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").touch(mode=0o644)
    with pytest.raises(ConfigError) as caught:
        installation.find(str(tmp_path / name))
    assert caught.value.key == "claude_code.cli_path"
    assert caught.value.remedy
