"""The terminal is as it was before, when the line editor is left."""

from __future__ import annotations

from tests.cli.attached import attached
from tests.cli.daemon_stand_in import DaemonStandIn
from tests.cli.terminal_process import CTRL_C, CTRL_D
from tests.waiting import wait_until


def test_a_terminal_is_left_as_it_was(daemon: DaemonStandIn) -> None:
    with attached() as terminal:
        terminal.wait_for_mark()
        assert terminal.modes() != terminal.modes_before, "keys come one by one"
        terminal.press("typed")
        terminal.wait_for("> typed")
        terminal.press(CTRL_C)
        terminal.wait_for_mark()
        terminal.press(CTRL_D)
        assert terminal.wait() == 0
        assert terminal.modes() == terminal.modes_before
        wait_until(lambda: terminal.text.endswith("/help lists more.\n"), "the editor is gone")
