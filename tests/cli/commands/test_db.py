"""`xswarm db`."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Command
from tests.cli.daemon_stand_in import DaemonStandIn


def test_backup_goes_where_it_was_told(daemon: DaemonStandIn, xswarm: Command, tmp_path: Path) -> None:
    assert xswarm("db", "backup", "copy.db").code == 0
    assert (tmp_path / "copy.db").exists()


def test_backup_overwrites_nothing(daemon: DaemonStandIn, xswarm: Command, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("precious", encoding="utf-8")
    assert xswarm("db", "backup", "copy.db").code == 1
    assert xswarm("db", "backup", "missing/copy.db").code == 1
    assert (tmp_path / "copy.db").read_text(encoding="utf-8") == "precious"


def test_sound_database_is_exit_code_0(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert (xswarm("db", "check").code, xswarm("db", "check").out) == (0, "The database is sound.\n")
    assert xswarm("db", "check", "--json").document == {"problems": []}


def test_unsound_database_is_exit_code_1(daemon: DaemonStandIn, xswarm: Command) -> None:
    daemon.records.problems = ["a page is lost"]
    assert (xswarm("db", "check").code, xswarm("db", "check").out) == (1, "a page is lost\n")
