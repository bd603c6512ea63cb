"""`xswarm claude status` against a daemon that speaks the protocol."""

from __future__ import annotations

from pathlib import Path

from supervisor.protocol.events import SessionUpdated
from tests.cli.conftest import SESSION, Command, command_line, process_environment
from tests.cli.daemon_stand_in import DaemonStandIn
from tests.cli.terminal_process import CTRL_C, TerminalProcess
from tests.waiting import wait_until


def test_sessions_are_listed_with_their_whole_id_first(daemon: DaemonStandIn, xswarm: Command) -> None:
    outcome = xswarm("claude", "status")
    assert outcome.code == 0
    header, *_, row = outcome.out.splitlines()
    assert header.split() == ["SESSION", "USER", "PROJECT", "STATUS", "COST", "MESSAGES", "AGE", "IDLE"]
    assert row.split() == [SESSION, "alice", "website", "active", "$0.000123", "2", "2", "min", "2", "min"]


def test_json_is_a_list_of_session_statuses(daemon: DaemonStandIn, xswarm: Command) -> None:
    (session,) = xswarm("claude", "status", "--json").document
    assert session == daemon.records.sessions[SESSION]


def test_json_of_one_session_is_one_object(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert xswarm("claude", "status", SESSION, "--json").document == daemon.records.sessions[SESSION]


def test_ended_sessions_are_shown_on_demand(daemon: DaemonStandIn, xswarm: Command) -> None:
    daemon.records.add_session("ended-long-ago", status="disconnected")
    assert "ended-long-ago" not in xswarm("claude", "status").out
    assert "ended-long-ago" in xswarm("claude", "status", "--all").out


def test_no_sessions_is_said_beside_an_empty_output(daemon: DaemonStandIn, xswarm: Command) -> None:
    daemon.records.sessions.clear()
    outcome = xswarm("claude", "status")
    assert (outcome.code, outcome.out) == (0, "")
    assert "--all" in outcome.err


def test_one_session_shows_name_and_path_of_its_project(daemon: DaemonStandIn, xswarm: Command) -> None:
    out = xswarm("claude", "status", SESSION).out
    assert "website (/srv/website)" in out
    assert SESSION in out


def test_path_of_an_unknown_project_is_shown_whole(daemon: DaemonStandIn, xswarm: Command) -> None:
    path = "/srv/" + "very-long-name/" * 20
    daemon.records.add_session("other-session", path=path)
    assert path in xswarm("claude", "status").out


def test_on_several_nodes_it_says_whose_messages_wait_for_a_node(
    daemon: DaemonStandIn, xswarm: Command, config_file: Path
) -> None:
    daemon.records.without_node = ["shop"]
    assert xswarm("claude", "status").err == ""
    config_file.write_text(f'{config_file.read_text()}[store]\nurl = "postgresql://127.0.0.1/xswarm"\n')
    outcome = xswarm("claude", "status")
    assert (outcome.code, SESSION in outcome.out) == (0, True)
    assert outcome.err == "No node that has the project shop is running; its messages wait.\n"


def test_watch_goes_with_the_table_only(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert xswarm("claude", "status", "--watch", "--json").code == 2


def test_watch_in_a_terminal_shows_changes_and_ends_by_ctrl_c(daemon: DaemonStandIn) -> None:
    with TerminalProcess(command_line("claude", "status", "--watch"), process_environment()) as terminal:
        terminal.wait_for("$0.000123")
        wait_until(lambda: daemon.subscribers == 1, "subscribed")
        daemon.push(_changed(daemon, cost_usd=4.56), "sessions")
        terminal.wait_for("$4.56")
        terminal.press(CTRL_C)
        assert terminal.wait() == 130
        assert "Traceback" not in terminal.text


def test_watch_survives_a_restart_of_the_daemon(daemon: DaemonStandIn) -> None:
    with TerminalProcess(command_line("claude", "status", "--watch"), process_environment()) as terminal:
        terminal.wait_for(SESSION)
        daemon.stop()
        terminal.wait_for("trying again")
        daemon.start()
        wait_until(lambda: daemon.subscribers == 1, "subscribed again")
        daemon.push(_changed(daemon, cost_usd=7.89), "sessions")
        terminal.wait_for("$7.89")
        terminal.press(CTRL_C)
        assert terminal.wait() == 130


def _changed(daemon: DaemonStandIn, **change: object) -> SessionUpdated:
    daemon.records.sessions[SESSION].update(change)
    return SessionUpdated(**daemon.records.sessions[SESSION])
