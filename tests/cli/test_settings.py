"""The configuration is read when a command needs it, and not for its help."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli import settings
from supervisor.protocol.errors import ConfigError
from tests.cli.test_lazy import imported_by


def test_the_named_file_is_read(config_file: Path, tmp_path: Path) -> None:
    assert list(settings.load(None).projects) == ["website"]
    other = tmp_path / "other.toml"
    other.write_text("")
    assert not settings.load(other).projects
    with pytest.raises(ConfigError, match="no such config file"):
        settings.load(tmp_path / "missing.toml")


@pytest.mark.parametrize("command", ["claude status", "user add", "token jwt", "db check"])
def test_help_reads_none(command: str) -> None:
    assert not imported_by(*command.split(), "--help") & {"supervisor.config", "cli.tables"}
