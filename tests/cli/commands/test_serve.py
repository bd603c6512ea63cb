"""`xswarm serve`, as far as the command line is concerned; tests/e2e runs the daemon."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Command
from tests.cli.test_lazy import imported_by


def test_broken_configuration_is_one_sentence(xswarm: Command, tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text('[supervisor]\nport = "9999"\n', encoding="utf-8")
    outcome = xswarm("serve", "--config", str(path))
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("Error: supervisor.port: ")


def test_missing_configuration_says_how_to_make_one(xswarm: Command, tmp_path: Path) -> None:
    outcome = xswarm("serve", "--config", str(tmp_path / "none.toml"))
    assert outcome.code == 1
    assert "xswarm init" in outcome.err


def test_help_and_a_wrong_configuration_import_no_daemon(config_file: Path) -> None:
    assert "supervisor.daemon" not in imported_by("serve", "--help")
    config_file.write_text("[nonsense]\n", encoding="utf-8")
    assert "supervisor.daemon" not in imported_by("serve")
