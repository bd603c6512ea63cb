"""What a tool server writes to stderr, as lines for the log: short ones, and not too many."""

from __future__ import annotations

import time
from collections.abc import Callable

LONGEST = 500
"""Characters of a line that reach the log."""

MOST = 30
"""Lines in one period that reach the log; the others are counted."""

PERIOD = 60.0
"""Length of a period, in seconds."""


class Chatter:
    """Splits bytes into lines, and passes on those within the limit.

    Args:
        write: takes a line.
        clock: seconds.
    """

    def __init__(self, write: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._clock = clock
        self._unfinished = b""
        self._began = clock()
        self._count = 0

    def hear(self, data: bytes) -> None:
        """Take more bytes."""
        *lines, rest = (self._unfinished + data).split(b"\n")
        self._unfinished = rest[: 4 * LONGEST]  # of a very long line only the beginning is shown
        for line in lines:
            self._pass_on(line)

    def close(self) -> None:
        """Pass on a last line without an end, and how many were left out."""
        self._pass_on(self._unfinished)
        self._unfinished = b""
        self._tell_left_out()

    def _pass_on(self, line: bytes) -> None:
        text = line.decode(errors="replace").strip()
        if not text:
            return
        if self._clock() - self._began >= PERIOD:
            self._tell_left_out()
            self._began, self._count = self._clock(), 0
        self._count += 1
        if self._count <= MOST:
            self._write(text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)")

    def _tell_left_out(self) -> None:
        if self._count > MOST:
            self._write(f"... and {self._count - MOST} more lines")
            self._count = MOST
