"""`xswarm serve`, as far as the command line is concerned; tests/e2e runs the daemon."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Command


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
