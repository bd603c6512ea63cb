"""A second Ctrl-C soon after the first one is told apart, and is caught only inside the block."""

from __future__ import annotations

import os
import signal

from cli.terminal.keys import AGAIN_SECONDS, InterruptKey, catching_ctrl_c
from tests.waiting import until


def test_only_a_press_soon_after_another_is_a_repeated_one() -> None:
    key = InterruptKey()
    assert not key.press(0.0)
    assert key.press(AGAIN_SECONDS / 2)
    assert not key.press(AGAIN_SECONDS * 2)


async def test_ctrl_c_is_caught_inside_the_block_only() -> None:
    before = signal.getsignal(signal.SIGINT)
    presses: list[None] = []
    with catching_ctrl_c(lambda: presses.append(None)):
        os.kill(os.getpid(), signal.SIGINT)
        await until(lambda: len(presses) == 1, "the press was noted")
    assert signal.getsignal(signal.SIGINT) in (before, signal.default_int_handler)
