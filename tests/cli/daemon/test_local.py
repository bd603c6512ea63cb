"""Without a daemon, commands use the database itself, under the daemon's lock."""

from __future__ import annotations

import fcntl
from pathlib import Path

from cli.daemon import local
from supervisor import config
from tests.cli.conftest import Command


def test_users_are_kept_without_a_daemon(xswarm: Command) -> None:
    arguments = ("--role", "admin", "--phone", "+15550100", "--project", "website")
    assert xswarm("user", "add", "alice", *arguments).code == 0
    (alice,) = xswarm("user", "list", "--json").document
    assert (alice["id"], alice["role"]) == ("alice", "ADMIN")
    assert xswarm("user", "show", "bob").code == 4
    assert xswarm("user", "remove", "alice").code == 0
    assert xswarm("user", "list", "--json").document == []


def test_tokens_are_made_without_a_daemon(xswarm: Command) -> None:
    made = xswarm("token", "create", "--service", "webhooks", "--json").document
    (listed,) = xswarm("token", "list", "--json").document
    assert str(listed["id"]) == str(made["id"])
    assert made["token"] not in xswarm("token", "list", "--json").out


def test_database_is_copied_and_checked_without_a_daemon(xswarm: Command, tmp_path: Path) -> None:
    assert xswarm("db", "check").code == 0
    assert xswarm("db", "backup", str(tmp_path / "copy.db")).code == 0
    assert (tmp_path / "copy.db").stat().st_size > 0


def test_lock_keeps_a_command_out(xswarm: Command, state_dir: Path) -> None:
    state_dir.mkdir(exist_ok=True)
    with (state_dir / "daemon.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        outcome = xswarm("user", "list")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("Error: ")


def test_answers_are_those_of_the_admin_api(config_file: Path) -> None:
    assert local.call(config.load(config_file), "GET", "/api/admin/users", None) == (200, {"users": []})
