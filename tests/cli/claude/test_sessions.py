"""Sessions are started and stopped from the command line."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import SESSION, Command
from tests.cli.daemon_stand_in import DaemonStandIn


def test_start_prints_the_id_alone(daemon: DaemonStandIn, xswarm: Command) -> None:
    outcome = xswarm("claude", "start", "--user", "alice", "--project", "website")
    assert outcome.code == 0
    session = daemon.records.sessions[outcome.out.strip()]
    assert (session["user_id"], session["project_path"]) == ("alice", "/srv/website")


def test_start_takes_a_path_and_an_id(daemon: DaemonStandIn, xswarm: Command, tmp_path: Path) -> None:
    arguments = ("--user", "alice", "--project", "./", "--id", "mine", "--json")
    started = xswarm("claude", "start", *arguments).document
    assert started["session_id"] == "mine"
    assert started["status"] == "connected"
    assert daemon.records.sessions["mine"]["project_path"] == str(tmp_path)


def test_start_in_an_unknown_project_names_the_known_ones(daemon: DaemonStandIn, xswarm: Command) -> None:
    outcome = xswarm("claude", "start", "--user", "alice", "--project", "webshop")
    assert (outcome.code, outcome.out) == (5, "")
    assert "Project not allowed: webshop" in outcome.err
    assert "website" in outcome.err


def test_project_that_is_not_allowed_is_exit_code_5(daemon: DaemonStandIn, xswarm: Command) -> None:
    outcome = xswarm("claude", "start", "--user", "alice", "--project", "/etc/passwd")
    assert (outcome.code, outcome.out) == (5, "")


def test_ended_session_says_how_to_bring_it_back(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert xswarm("claude", "stop", SESSION).out == "Ended: User requested.\n"
    outcome = xswarm("claude", "send", SESSION, "say hello")
    assert outcome.code == 1
    assert "xswarm claude connect" in outcome.err


def test_stop_as_json(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert xswarm("claude", "stop", SESSION, "--json").document["reason"] == "User requested"
