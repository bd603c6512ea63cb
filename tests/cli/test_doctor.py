"""`xswarm doctor`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Command

CHEAP = '[claude_code]\nconnector = "echo"\n'


@pytest.fixture
def plain(config_file: Path) -> Path:
    """A configuration with a connector that needs nothing."""
    config_file.write_text(config_file.read_text(encoding="utf-8") + CHEAP, encoding="utf-8")
    return config_file


def test_every_finding_is_one_line_and_its_remedy_another(xswarm: Command, plain: Path) -> None:
    outcome = xswarm("doctor")
    lines = [line for line in outcome.out.splitlines() if not line.startswith("         -> ")]
    assert {line.split()[0] for line in lines} <= {"ok", "warning", "FAILED"}
    assert any("configuration: " in line for line in lines)


def test_json_has_the_same_findings(xswarm: Command, plain: Path) -> None:
    checks = xswarm("doctor", "--json").document
    assert all(set(check) == {"name", "status", "detail", "remedy"} for check in checks)
    assert [check["name"] for check in checks][:2] == ["python", "packages"]


def test_what_does_not_work_is_exit_code_1(xswarm: Command, plain: Path) -> None:
    plain.write_text("[nonsense]\n", encoding="utf-8")
    outcome = xswarm("doctor", "--json")
    assert outcome.code == 1
    assert outcome.document[-1]["status"] == "failed"


def test_no_secret_is_printed(xswarm: Command, plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-canary")
    outcome = xswarm("doctor")
    assert "ANTHROPIC_API_KEY is set" in outcome.out
    assert "canary" not in outcome.out + outcome.err


@pytest.mark.cli_process
def test_the_real_claude_code_is_one_of_the_findings(xswarm: Command) -> None:
    by_name = {check["name"]: check for check in xswarm("doctor", "--json").document}
    assert by_name["claude code"]["status"] == "ok"
    assert {"fence", "shell"} <= by_name.keys()
