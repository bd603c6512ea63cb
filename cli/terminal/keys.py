"""Ctrl-C in an attached terminal: the first press interrupts the turn, a second one soon after leaves."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
