"""What a person types and pastes, in a real pseudo-terminal."""

from __future__ import annotations

import pytest

from tests.cli.attached import attached
from tests.cli.daemon_stand_in import DaemonStandIn
from tests.cli.terminal_process import CTRL_C, CTRL_D
from tests.waiting import wait_until

TRACEBACK = (
    'say why?\nTraceback (most recent call last):\n\n  File "a.py", line 1\tin f\n日本語: café \\\nValueError: /etc'
)


@pytest.mark.parametrize(
    ("before", "line_end", "after"),
    [("\x1b[200~", "\n", "\x1b[201~\r"), ("\x1b[200~", "\r", "\x1b[201~\r"), ("", "\r", "\r"), ("", "\n", "\n")],
    ids=["brackets", "brackets and returns", "without brackets", "without brackets, line feeds"],
)
def test_a_pasted_text_is_one_prompt(daemon: DaemonStandIn, before: str, line_end: str, after: str) -> None:
    with attached() as terminal:
        terminal.wait_for_mark()
        terminal.press(before + TRACEBACK.replace("\n", line_end) + after)
        terminal.wait_for("[$0.0123, 1.5 s]")
        terminal.press(CTRL_D)
        assert terminal.wait() == 0
    assert daemon.records.prompts == [TRACEBACK]


@pytest.mark.parametrize("columns", [80, 40])
def test_what_is_typed_stays_apart_from_an_answer_that_streams(daemon: DaemonStandIn, columns: int) -> None:
    long = "say " + "naïve 日本語 words " * 12 + "end."
    with attached(columns=columns) as terminal:
        terminal.wait_for_mark()
        terminal.press(f"wait{long[3:]}\r")
        terminal.wait_for("end.", times=2)
        terminal.press("typed 日本")
        terminal.wait_for("\n> typed 日本\n")
        terminal.resize(60)
        terminal.press("!\x7f語")
        terminal.wait_for("> typed 日本語\n")
        terminal.press(CTRL_C)
        terminal.wait_for("Interrupted.")
        wait_until(lambda: terminal.text.endswith("\n> typed 日本語\n"), "what was typed stays")
        terminal.press("\x15say on\\\r")
        terminal.wait_for("\n> say on\n")
        terminal.press("two\x1b\rthree\r")
        terminal.wait_for("\non\ntwo\nthree\n[$0.0123, 1.5 s]\n>\n")
        assert "\n> say on\n  two\n  three\non\n" in terminal.text
        terminal.press("\x1b[A")
        terminal.wait_for("\n> say on\n  two\n  three\n", times=2)
        terminal.press(CTRL_C)
        terminal.wait_for_mark()
        terminal.press(CTRL_D)
        assert terminal.wait() == 0
    assert daemon.records.prompts == [f"wait{long[3:]}", "say on\ntwo\nthree"]
