"""Lines from stdin for an event loop, read by a thread that keeps no process alive."""

from __future__ import annotations

import asyncio
import codecs
import os
import threading
from collections.abc import Callable

TERMINAL_LINE = 4095
"""Bytes that a terminal in line mode takes at a time; it drops what is beyond them."""


class Splitter:
    """Bytes in, lines out. A line that ends with a backslash goes on in the next one."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._continued = ""

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that are complete; b"" is the end, which completes the last one."""
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


def read_lines(descriptor: int, line: Callable[[str], None], end: Callable[[], None]) -> None:
    """Call `line` in the running event loop for every line, and `end` at the end of the file.

    A thread of its own waits in the read: nothing can interrupt it, so the process must not wait for it.
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
            except RuntimeError:  # The loop is closed: nobody listens any more.
                return

    threading.Thread(target=work, name="stdin", daemon=True).start()
