"""Lines that come at once belong together: a text pasted into a terminal without bracketed paste is one prompt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

BURST_SECONDS = 0.05
"""A line that comes within this time of the one before was not typed by a person, but pasted with it."""


class Bursts:
    """Joins the lines of a burst by line feeds. It runs in the event loop that makes it.

    Args:
        typed: takes each text once no further line has come for `BURST_SECONDS`.
    """

    def __init__(self, typed: Callable[[str], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._typed = typed
        self._lines: list[str] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, line: str) -> None:
        """Take a line."""
        if self._timer is not None:
            self._timer.cancel()
        self._lines.append(line)
        self._timer = self._loop.call_later(BURST_SECONDS, self.flush)

    def flush(self) -> None:
        """Pass on the lines so far; called where no line can follow."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            text = "\n".join(self._lines)
            self._lines.clear()
            self._typed(text)
