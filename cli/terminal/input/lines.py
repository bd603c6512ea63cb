"""Reads lines from stdin for an event loop, in a thread that does not keep the process alive."""

from __future__ import annotations

import asyncio
import codecs
import os
import threading
from collections.abc import Callable

TERMINAL_LINE = 4095
"""Longest line in bytes that a terminal in line mode passes on; it drops the rest."""


class Splitter:
    """Bytes in, lines out. A backslash at the end of a line continues it on the next line."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._continued = ""

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that these bytes complete; b"" is the end of the file, which completes the last line."""
        *whole, self._rest = (self._rest + self._decoder.decode(data, final=not data)).split("\n")
        if not data and self._rest:
            whole.append(self._rest)
            self._rest = ""
        lines = []
        for line in whole:
            text = self._continued + line.removesuffix("\r")
            self._continued = ""
            if text.endswith("\\"):
                self._continued = text[:-1] + "\n"
            else:
                lines.append(text)
        if not data and self._continued:
            lines.append(self._continued.rstrip("\n"))
            self._continued = ""
        return lines


def is_cut(text: str) -> bool:
    """Return whether a line of a text is as long as the longest one that a terminal passes on: it was longer."""
    return any(len(line.encode("utf-8", "replace")) >= TERMINAL_LINE for line in text.split("\n"))


def read_lines(descriptor: int, line: Callable[[str], None], end: Callable[[], None]) -> None:
    """Call `line` in the running event loop for every line, and `end` at the end of the file.

    A daemon thread does the blocking read: nothing can interrupt it, so the exit of the process must not wait for it.
    """
    loop = asyncio.get_running_loop()

    def work() -> None:
        splitter = Splitter()
        data = b"-"
        while data:
            try:
                data = os.read(descriptor, 65536)
            except OSError:  # The terminal is gone (EIO).
                data = b""
            try:
                for text in splitter.feed(data):
                    loop.call_soon_threadsafe(line, text)
                if not data:
                    loop.call_soon_threadsafe(end)
            except RuntimeError:  # The loop is closed.
                return

    threading.Thread(target=work, name="stdin", daemon=True).start()
