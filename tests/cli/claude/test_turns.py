"""Prompts are sent, and turns interrupted, from the command line."""

from __future__ import annotations

import signal
import subprocess

from tests.cli.conftest import SESSION, Command, command_line, process_environment, run_process
from tests.cli.daemon_stand_in import DaemonStandIn
from tests.slowness import scaled
from tests.waiting import wait_until


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


def test_interrupt_with_nothing_running_says_so(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert xswarm("claude", "interrupt", SESSION).out == "Nothing was running.\n"
    assert xswarm("claude", "interrupt", SESSION, "--json").document["message_id"] is None
