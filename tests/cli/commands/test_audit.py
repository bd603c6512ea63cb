"""`xswarm audit`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.cli.daemon_stand_in import DaemonStandIn


@pytest.fixture
def trail(daemon: DaemonStandIn) -> DaemonStandIn:
    """A daemon with five entries, two to a page; one holds an escape sequence that would clear the screen."""
    daemon.records.audit = [{"seq": n, "actor": "cli", "event": "\x1b[2J"} for n in range(1, 6)]
    return daemon


def test_an_intact_trail_is_exit_code_0(trail: DaemonStandIn, xswarm: Command) -> None:
    outcome = xswarm("audit", "verify")
    assert (outcome.code, outcome.out) == (0, "The audit trail is intact: 5 entries.\n")


def test_a_changed_trail_is_exit_code_1(trail: DaemonStandIn, xswarm: Command) -> None:
    trail.records.tampered = "audit row 3 was changed"
    assert (xswarm("audit", "verify").code, xswarm("audit", "verify").out) == (1, "audit row 3 was changed\n")
    assert xswarm("audit", "verify", "--json").document == {"problem": "audit row 3 was changed", "entries": 5}


def test_export_writes_every_page_as_lines_of_json(trail: DaemonStandIn, xswarm: Command, tmp_path: Path) -> None:
    assert xswarm("audit", "export", "audit.jsonl").out == "5 entries written to audit.jsonl.\n"
    written = (tmp_path / "audit.jsonl").read_text(encoding="utf-8")
    assert [json.loads(line)["seq"] for line in written.splitlines()] == [1, 2, 3, 4, 5]
    assert xswarm("audit", "export").out == written
    assert "\x1b" not in written
    behind = xswarm("audit", "export", "--after", "4").out
    assert [json.loads(line)["seq"] for line in behind.splitlines()] == [5]


def test_export_overwrites_nothing(trail: DaemonStandIn, xswarm: Command, tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").write_text("precious", encoding="utf-8")
    assert xswarm("audit", "export", "audit.jsonl").code == 1
    assert xswarm("audit", "export", "missing/audit.jsonl").code == 1
    assert (tmp_path / "audit.jsonl").read_text(encoding="utf-8") == "precious"
    assert xswarm("audit", "export", "--after", "-1").code == 2


def test_export_is_for_its_owner_alone(daemon: DaemonStandIn, xswarm: Command, tmp_path: Path) -> None:
    assert xswarm("audit", "export", "trail.jsonl").code == 0
    assert (tmp_path / "trail.jsonl").stat().st_mode & 0o777 == 0o600
