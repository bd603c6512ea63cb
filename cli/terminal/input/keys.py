"""Keys of an attached terminal whose meaning depends on time: Ctrl-C and Enter.

The first Ctrl-C interrupts the turn, and a second one soon after it leaves. Enter submits a text, unless more text
follows at once: then it is part of a pasted text.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cli.terminal.input.bursts import BURST_SECONDS

AGAIN_SECONDS = 2.0
"""A second Ctrl-C within this time leaves."""


class InterruptKey:
    """Tells a repeated press from a first one."""

    def __init__(self) -> None:
        self._pressed_at = float("-inf")

    def press(self, now: float) -> bool:
        """Note a press; return whether it follows another one within `AGAIN_SECONDS`.

        Args:
            now: seconds of a clock that never goes back.
        """
        again = now - self._pressed_at < AGAIN_SECONDS
        self._pressed_at = now
        return again


@contextmanager
def catching_ctrl_c(pressed: Callable[[], None]) -> Iterator[None]:
    """Call `pressed` for each Ctrl-C inside the block; outside of it Ctrl-C ends the program as usual."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, pressed)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


class SubmitKey:
    """Enter in a line editor. It submits once no other text has come for `BURST_SECONDS`, and is a line feed otherwise.

    The editor calls `before_key` and `after_key` around each key, and `enter`, `text` or `settle` for what it is. A key
    that is none of these submits what was there when Enter was pressed.

    Args:
        text_now: returns the text in the editor.
        insert: inserts text at the cursor.
        submit: takes the text.
    """

    def __init__(
        self, text_now: Callable[[], str], insert: Callable[[str], None], submit: Callable[[str], None]
    ) -> None:
        self._text_now = text_now
        self._insert = insert
        self._submit = submit
        self._timer: asyncio.TimerHandle | None = None
        self._entered: str | None = None  # the text at the time of an Enter that the present key decides about

    def before_key(self) -> None:
        """Note that a key was pressed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def after_key(self) -> None:
        """Submit, where the key was no text."""
        if self._timer is None:
            self.settle()

    def enter(self) -> None:
        """Take an Enter."""
        if self._entered is not None:
            self._insert("\n")
        self._entered = self._text_now()
        self._timer = asyncio.get_running_loop().call_later(BURST_SECONDS, self._expired)

    def text(self, text: str) -> None:
        """Take typed or pasted text."""
        if self._entered is not None:
            self._entered = None
            self._insert("\n")
        self._insert(text)

    def settle(self) -> None:
        """Submit at once, if Enter was pressed."""
        if self._entered is not None:
            entered, self._entered = self._entered, None
            self._submit(entered)

    def _expired(self) -> None:
        self._timer = None
        self.settle()
