"""`xswarm claude connect` in a real pseudo-terminal, and with prompts from a pipe."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.show import moment
from supervisor.protocol.events import ApprovalRequested, ApprovalResolved, ClaudeCodeDisconnected
from tests.cli.attached import attached
from tests.cli.conftest import SESSION, run_process
from tests.cli.daemon_stand_in import DaemonStandIn
from tests.cli.terminal_process import CTRL_C, CTRL_D
from tests.waiting import wait_until

EXPIRES = "2026-01-01T00:15:00.000Z"
NEVER_LEAVES = "Nothing is running; Ctrl-C again or Ctrl-D leaves."


def test_terminal_shows_history_streams_answers_and_leaves_by_ctrl_d(daemon: DaemonStandIn) -> None:
    daemon.records.add_message(SESSION, "to_claude", "what is this?")
    daemon.records.add_message(SESSION, "from_claude", "A website.")
    with attached() as terminal:
        terminal.wait_for(f"Attached to {SESSION} in /srv/website.")
        terminal.wait_for_mark()
        assert terminal.text.index("You: what is this?") < terminal.text.index("A website.")
        terminal.press("say hello there\n")
        terminal.wait_for("[$0.0123, 1.5 s]")
        assert terminal.text.count("\nhello there\n") == 1
        terminal.wait_for_mark()
        terminal.press("quiet all at once\n")
        terminal.wait_for("[$0.0123, 1.5 s]", times=2)
        assert terminal.text.count("\nall at once\n") == 1
        terminal.press(CTRL_D)
        assert terminal.wait() == 0
    assert "Traceback" not in terminal.text


def test_ctrl_c_interrupts_the_running_turn_and_the_terminal_stays(daemon: DaemonStandIn) -> None:
    with attached() as terminal:
        terminal.wait_for_mark()
        terminal.press("wait for me\n")
        terminal.wait_for("for me", times=2)
        terminal.press(CTRL_C)
        terminal.wait_for("Interrupted.")
        terminal.wait_for_mark()
        terminal.press("say still here\n")
        terminal.wait_for("[$0.0123, 1.5 s]")
        assert terminal.text.count("for me") == 2
        assert "Error" not in terminal.text
        terminal.press(CTRL_D)
        assert terminal.wait() == 0


def test_second_ctrl_c_leaves(daemon: DaemonStandIn) -> None:
    with attached() as terminal:
        terminal.wait_for_mark()
        terminal.press(CTRL_C)
        terminal.wait_for(NEVER_LEAVES)
        for presses in range(2, 10):  # one that comes late, as the process was busy elsewhere, counts as a first one
            terminal.press(CTRL_C)
            wait_until(lambda: terminal.ended or terminal.text.count(NEVER_LEAVES) == presses, "it is taken")  # noqa: B023
            if terminal.ended:
                break
        assert terminal.wait() == 130


def test_ctrl_d_in_a_turn_leaves_it_running(daemon: DaemonStandIn) -> None:
    with attached() as terminal:
        terminal.wait_for_mark()
        terminal.press("wait for nobody\n")
        terminal.wait_for("for nobody", times=2)
        terminal.press(CTRL_D)
        terminal.wait_for("The turn goes on without this terminal.")
        assert terminal.wait() == 0
    assert not [request for request in daemon.requests if request["type"] == "claude_code_interrupt"]


def test_turn_from_another_channel_is_shown_live_and_once(daemon: DaemonStandIn) -> None:
    with attached() as terminal:
        terminal.wait_for_mark()
        daemon.somebody_else_asks(SESSION, "is the build green?", "All of it is green.")
        terminal.wait_for("[$0.0123, 1.5 s]")
        terminal.wait_for_mark()
        assert terminal.text.count("You: is the build green?") == 1
        assert terminal.text.count("All of it is green.") == 1
        assert terminal.text.index("You: is the build green?") < terminal.text.index("All of it is green.")
        terminal.press(CTRL_D)
        assert terminal.wait() == 0


def test_tools_are_shown_on_a_line_each(daemon: DaemonStandIn) -> None:
    with attached() as terminal:
        terminal.wait_for_mark()
        terminal.press("tool done\n")
        terminal.wait_for('* Bash {"command": "ls"}')
        terminal.wait_for("! Bash failed: no such file")
        terminal.press(CTRL_D)
        assert terminal.wait() == 0


def test_terminal_waits_for_a_daemon_that_restarts(daemon: DaemonStandIn) -> None:
    with attached() as terminal:
        terminal.wait_for_mark()
        terminal.press("wait a restart\n")
        terminal.wait_for("a restart", times=2)
        daemon.stop()
        terminal.wait_for("The daemon went away")
        terminal.press("say after it\n")
        daemon.start()
        terminal.wait_for("Connected again.")
        wait_until(lambda: daemon.records.prompts.count("say after it") == 1, "the typed prompt was sent")
        wait_until(lambda: daemon.subscribers == 1, "subscribed again")
        sent = [request for request in daemon.requests if request.get("message") == "wait a restart"]
        assert len(sent) == 2
        assert sent[0]["external_id"] == sent[1]["external_id"]
        terminal.press(CTRL_D)
        assert terminal.wait() == 0


def test_ctrl_c_leaves_a_daemon_that_is_away(daemon: DaemonStandIn) -> None:
    with attached() as terminal:
        terminal.wait_for_mark()
        daemon.stop()
        terminal.wait_for("trying again")
        terminal.press(CTRL_C)
        assert terminal.wait() == 130
    daemon.start()


def test_questions_about_tool_calls_are_answered_where_they_are_shown(daemon: DaemonStandIn) -> None:
    daemon.approvals = {"first": "", "second": ""}
    with attached() as terminal:
        terminal.wait_for_mark()
        terminal.press("/yes\r")
        terminal.wait_for("Nothing waits for a yes or no.")
        answers = (("first", "/yes", "allow"), ("second", "/NO", "deny"), ("late", "/no", ""))
        for number, (approval_id, answer, decision) in enumerate(answers, 1):
            daemon.push(question(approval_id), "approvals")
            terminal.wait_for(
                f"May it run for alice: Bash git push?\n/yes or /no, until {moment(EXPIRES)}.", times=number
            )
            terminal.press(f"{answer}\r")
            if decision:
                wait_until(lambda: daemon.approvals[approval_id] == decision, "it is answered")  # noqa: B023
            else:
                terminal.wait_for("Nothing was allowed")
        terminal.press(CTRL_D)
        assert terminal.wait() == 0


def test_of_several_questions_none_is_answered_that_was_not_named(daemon: DaemonStandIn) -> None:
    daemon.approvals = {"first": "", "second": "", "third": ""}
    with attached() as terminal:
        terminal.wait_for_mark()
        for approval_id in daemon.approvals:
            daemon.push(question(approval_id), "approvals")
        terminal.wait_for("/yes 3 or /no 3")
        terminal.press("/yes\r")
        terminal.wait_for("3 questions wait; say which: /yes 1 (Bash git push), /yes 2")
        assert set(daemon.approvals.values()) == {""}
        daemon.push(ApprovalResolved(approval_id="first", decision="deny"), "approvals")  # somebody else was faster
        terminal.wait_for("Bash git push: denied elsewhere.")
        terminal.press("/yes 1\r")
        terminal.wait_for("Nothing waits for a yes or no.")
        terminal.press("/no 3\r")
        wait_until(lambda: daemon.approvals["third"] == "deny", "the one that was named is answered")
        terminal.press("/yes\r")
        wait_until(lambda: daemon.approvals["second"] == "allow", "so is the last one")
        terminal.press(CTRL_D)
        assert terminal.wait() == 0


def test_a_script_is_asked_nothing(daemon: DaemonStandIn) -> None:
    assert run_process("claude", "connect", SESSION, stdin="say one\n").code == 0
    (subscribed,) = [request for request in daemon.requests if request["type"] == "subscribe"]
    assert subscribed["topics"] == [f"session:{SESSION}"]


def question(approval_id: str) -> ApprovalRequested:
    """Return a question about a tool call of the session."""
    return ApprovalRequested(
        approval_id=approval_id,
        session_id=SESSION,
        user_id="alice",
        tool="Bash",
        summary="Bash git push",
        expires_at=EXPIRES,
    )


def test_end_of_the_session_is_told(daemon: DaemonStandIn) -> None:
    ended = ClaudeCodeDisconnected(session_id=SESSION, reason="Idle timeout", timestamp="2026-01-01T00:00:00.000Z")
    with attached() as terminal:
        terminal.wait_for_mark()
        daemon.push(ended, f"session:{SESSION}")
        terminal.wait_for("The session has ended: Idle timeout.")
        terminal.press(CTRL_D)
        assert terminal.wait() == 0


def test_prompts_from_a_pipe_are_answered_in_order(daemon: DaemonStandIn) -> None:
    outcome = run_process("claude", "connect", SESSION[-8:], stdin="say one\nquiet two\\\nlines\n\nsay three")
    assert (outcome.code, outcome.out) == (0, "one\ntwo\nlines\nthree\n")
    assert daemon.records.prompts == ["say one", "quiet two\nlines", "say three"]


def test_script_fails_with_a_failed_prompt_and_goes_on(daemon: DaemonStandIn) -> None:
    outcome = run_process("claude", "connect", SESSION, stdin="fail\nsay on\n")
    assert (outcome.code, outcome.out) == (1, "on\n")
    assert "Error: Claude Code failed: as asked" in outcome.err


def test_ended_session_is_resumed(daemon: DaemonStandIn) -> None:
    daemon.records.sessions[SESSION]["status"] = "disconnected"
    outcome = run_process("claude", "connect", SESSION, stdin="say back\n")
    assert (outcome.code, outcome.out) == (0, "back\n")
    assert f"Resumed {SESSION}" in outcome.err


def test_unknown_session_is_exit_code_4(daemon: DaemonStandIn) -> None:
    outcome = run_process("claude", "connect", "no-such-session")
    assert (outcome.code, outcome.out) == (4, "")
    assert "Session not found: no-such-session" in outcome.err


def test_no_daemon_is_exit_code_3(config_file: Path) -> None:
    outcome = run_process("claude", "connect", SESSION)
    assert outcome.code == 3
    assert "xswarm serve" in outcome.err


@pytest.mark.parametrize("keys", ["\x1b]0;", "\x1b[31m", "\x07", "\u202e"])
def test_answers_cannot_steer_the_terminal(daemon: DaemonStandIn, keys: str) -> None:
    outcome = run_process("claude", "connect", SESSION, stdin="hide\n")
    assert outcome.out == "red plain fdp ?.\n"
    assert keys not in outcome.out + outcome.err


def test_lines_pasted_into_a_terminal_that_cannot_place_the_cursor_are_sent(daemon: DaemonStandIn) -> None:
    pasted = "say one\nsay two"
    with attached(term="dumb") as dumb:
        dumb.wait_for("/help lists more.")
        dumb.press(f"{pasted}\n")
        # As one prompt, unless the process was busy elsewhere between the lines: see test_line_mode.py.
        wait_until(lambda: "\n".join(daemon.records.prompts) == pasted, "both lines are sent")
        dumb.wait_for("[$0.0123, 1.5 s]")
        dumb.press("x" * 5000 + "\n")
        dumb.wait_for("Not sent: a terminal cuts a line after 4095 bytes.")
        dumb.press(CTRL_D)
        assert dumb.wait() == 0
    assert "\n".join(daemon.records.prompts) == pasted
