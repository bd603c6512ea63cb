"""`xswarm audit`."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from supervisor.protocol.messages import UserId
from supervisor.protocol.status import Role
from supervisor.protocol.times import DAY_MS
from supervisor.runtime.credentials import Credentials
from supervisor.runtime.state import DATABASE_FILE, audit_seal_of
from supervisor.store import open_store
from supervisor.store.records.accounts import Actor, User
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
    assert xswarm("audit", "verify", "--json").document == {
        "problem": "audit row 3 was changed",
        "first": 1,
        "entries": 5,
    }


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


@pytest.fixture
async def stored(config_file: Path, state_dir: Path) -> Path:
    """The database of a daemon that does not run, with the entries of two users and of a token."""
    state_dir.mkdir(mode=0o700)
    credentials = Credentials(state_dir, {})
    path = state_dir / DATABASE_FILE
    store = await open_store(path, seal=audit_seal_of(credentials))
    for name in ("ann", "=ben"):
        await store.accounts.put_user(
            User(id=UserId(name), name=name, role=Role.ADMIN), by=Actor(name=name), now_ms=DAY_MS
        )
    await store.accounts.add_token(b"h" * 32, "billing", None, now_ms=2 * DAY_MS, expires_ms=None)
    await store.close()
    return path


def anchor(xswarm: Command, path: Path) -> Path:
    """Note the newest hash as the daemon does each day."""
    newest = json.loads(xswarm("audit", "export").out.splitlines()[-1])
    file = path.with_name("anchors.txt")
    file.write_text(f"2026-11-30T00:00:00Z {newest['seq']} {newest['mac']}\n", encoding="utf-8")
    return file


def test_the_trail_of_a_daemon_that_does_not_run_is_filtered(stored: Path, xswarm: Command) -> None:
    lines = xswarm("audit", "export", "--event", "user", "--until", "1970-01-03").out.splitlines()
    assert [json.loads(line)["actor"] for line in lines] == ["ann", "=ben"]
    assert len(xswarm("audit", "export", "--actor", "operator", "--since", "1970-01-03").out.splitlines()) == 1
    assert xswarm("audit", "export", "--since", "yesterday").code == 2


def test_an_export_as_csv_has_no_formulas(stored: Path, xswarm: Command, tmp_path: Path) -> None:
    assert xswarm("audit", "export", "--as", "csv", "--event", "user", "trail.csv").out == (
        "2 entries written to trail.csv.\n"
    )
    with (tmp_path / "trail.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["actor"] for row in rows] == ["ann", "'=ben"]
    assert json.loads(rows[0]["detail"])["role"] == "ADMIN"


def test_a_noted_hash_shows_that_the_end_was_cut_off(stored: Path, xswarm: Command) -> None:
    noted = anchor(xswarm, stored)
    intact = xswarm("audit", "verify", "--anchors", str(noted))
    assert (intact.code, intact.out.endswith("and 1 noted hash agrees.\n")) == (0, True)
    with closing(sqlite3.connect(stored)) as connection, connection:
        connection.execute("DROP TRIGGER audit_keeps_rows")
        connection.execute("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)")
    assert xswarm("audit", "verify").code == 0
    cut = xswarm("audit", "verify", "--anchors", str(noted))
    assert cut.code == 1
    assert "was there on 2026-11-30T00:00:00Z: the end of the trail was cut off" in cut.out


def test_a_file_without_hashes_is_refused(stored: Path, xswarm: Command, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("nothing", encoding="utf-8")
    for name in ("empty.txt", "missing.txt"):
        outcome = xswarm("audit", "verify", "--anchors", name)
        assert outcome.code == 1
        assert "audit.anchor_file" in outcome.err
