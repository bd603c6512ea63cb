"""A second Ctrl-C soon after the first one is told apart, and is caught only inside the block."""

from __future__ import annotations

import asyncio
import os
import signal

from cli.terminal.input.keys import AGAIN_SECONDS, InterruptKey, SubmitKey, catching_ctrl_c
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


class Pressed:
    """An editor of one line, whose cursor is at its end."""

    def __init__(self) -> None:
        self.draft = ""
        self.texts: asyncio.Queue[str] = asyncio.Queue()
        self.key = SubmitKey(lambda: self.draft, self.insert, self.submit)

    def insert(self, text: str) -> None:
        self.draft += text

    def submit(self, text: str) -> None:
        self.draft = ""
        self.texts.put_nowait(text)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.key.before_key()
            match key:
                case "enter":
                    self.key.enter()
                case "up":
                    self.draft = "an earlier text"
                case _:
                    self.key.text(key)
            self.key.after_key()


async def test_enter_submits_after_a_moment_without_other_keys() -> None:
    pressed = Pressed()
    pressed.press("a", "enter")
    assert pressed.texts.empty()
    assert await pressed.texts.get() == "a"


async def test_enter_within_a_burst_is_a_line_feed() -> None:
    pressed = Pressed()
    pressed.press("a", "enter", "enter", "b", "enter")
    assert await pressed.texts.get() == "a\n\nb"
    assert pressed.texts.empty()


async def test_a_key_that_is_no_text_submits_what_was_entered() -> None:
    pressed = Pressed()
    pressed.press("a", "enter", "up")
    assert pressed.texts.get_nowait() == "a"
