"""`xswarm claude start`, `send`, `interrupt`, `stop` and `history`."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import SESSION, Command, command_line, process_environment, run_process
from tests.cli.daemon_stand_in import ALICE, DaemonStandIn
from tests.slowness import scaled
from tests.waiting import wait_until


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


def test_send_prints_the_answer_and_its_cost_beside_it(daemon: DaemonStandIn, xswarm: Command) -> None:
    outcome = xswarm("claude", "send", SESSION[-6:], "say hello")
    assert (outcome.code, outcome.out, outcome.err) == (0, "hello\n", "[$0.0123, 1.5 s]\n")


def test_send_as_json_is_the_whole_response(daemon: DaemonStandIn, xswarm: Command) -> None:
    document = xswarm("claude", "send", SESSION, "say hello", "--json").document
    assert document["content"] == "hello"
    assert document["usage"] == {"input_tokens": 10, "output_tokens": 5}


def test_send_reads_a_prompt_from_stdin(daemon: DaemonStandIn) -> None:
    assert run_process("claude", "send", SESSION, "-", stdin="say two\nlines").out == "two\nlines\n"


def test_empty_prompt_is_wrong_usage(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert xswarm("claude", "send", SESSION, "  ").code == 2


def test_failed_turn_is_exit_code_1(daemon: DaemonStandIn, xswarm: Command) -> None:
    outcome = xswarm("claude", "send", SESSION, "fail", "--json")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "Error: Claude Code failed: as asked\n"


def test_ctrl_c_stops_waiting_and_says_that_the_turn_goes_on(daemon: DaemonStandIn) -> None:
    with subprocess.Popen(
        command_line("claude", "send", SESSION, "wait"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=process_environment(),
    ) as process:
        try:
            wait_until(lambda: "wait" in daemon.records.prompts, "the turn runs")
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=scaled(20))
        finally:
            process.kill()
    assert (process.returncode, out) == (130, "")
    assert "the turn goes on" in err
    assert "Traceback" not in err


def test_ended_session_says_how_to_bring_it_back(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert xswarm("claude", "stop", SESSION).out == "Ended: User requested.\n"
    outcome = xswarm("claude", "send", SESSION, "say hello")
    assert outcome.code == 1
    assert "xswarm claude connect" in outcome.err


def test_interrupt_with_nothing_running_says_so(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert xswarm("claude", "interrupt", SESSION).out == "Nothing was running.\n"
    assert xswarm("claude", "interrupt", SESSION, "--json").document["message_id"] is None


def test_stop_as_json(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert xswarm("claude", "stop", SESSION, "--json").document["reason"] == "User requested"


def test_history_is_shown_oldest_first_without_control_characters(daemon: DaemonStandIn, xswarm: Command) -> None:
    daemon.records.add_message(SESSION, "to_claude", "first")
    daemon.records.add_message(SESSION, "from_claude", "\x1b[31msecond")
    out = xswarm("claude", "history", SESSION).out
    assert out.index("first") < out.index("second")
    assert "\x1b" not in out
    assert len(xswarm("claude", "history", SESSION, "--json", "--limit", "1").document["messages"]) == 1


def test_history_says_who_wrote_each_message_of_a_shared_session(daemon: DaemonStandIn, xswarm: Command) -> None:
    for user_id in ("alice", "bob"):
        daemon.records.add_message(SESSION, "to_claude", f"by {user_id}", user_id=user_id)
        daemon.records.add_message(SESSION, "from_claude", "done", user_id=None)
    heads = [
        head for head, _, _ in (part.partition("\n") for part in xswarm("claude", "history", SESSION).out.split("\n\n"))
    ]
    assert [head.partition(",")[0] for head in heads if head] == ["alice", "Claude Code", "bob", "Claude Code"]


@pytest.mark.parametrize("command", ["send", "interrupt", "stop", "history", "status"])
def test_unknown_session_is_exit_code_4(daemon: DaemonStandIn, xswarm: Command, command: str) -> None:
    text = ["text"] if command == "send" else []
    outcome = xswarm("claude", command, "no-such-session", *text)
    assert (outcome.code, outcome.out) == (4, "")
    assert "Session not found: no-such-session" in outcome.err


def test_ambiguous_end_is_wrong_usage(daemon: DaemonStandIn, xswarm: Command) -> None:
    daemon.records.add_session("other-" + SESSION[-8:])
    outcome = xswarm("claude", "history", SESSION[-8:])
    assert outcome.code == 2
    assert SESSION in outcome.err


def test_environment_leads_to_another_daemon(
    daemon: DaemonStandIn, xswarm: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.delenv("XSWARM_CONFIG")
    (tmp_path / "config.toml").unlink()
    monkeypatch.setenv("SUPERVISOR_WEBSOCKET_URL", f"ws://127.0.0.1:{daemon.port}")
    assert xswarm("claude", "status").code == 5
    monkeypatch.setenv("SUPERVISOR_TOKEN", ALICE)
    assert SESSION in xswarm("claude", "status").out
