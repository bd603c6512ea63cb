"""A process in a pseudo-terminal: tests read its screen as a person does, and press keys."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import pyte

from tests.slowness import scaled
from tests.waiting import wait_until

CTRL_C, CTRL_D = "\x03", "\x04"

ROWS = 100


class TerminalProcess:
    """A process with a controlling terminal of its own, which is emulated.

    Args:
        columns: width of the window. Its height is such that nothing scrolls away.

    Attributes:
        raw: all that it has written.
        modes_before: the settings of the terminal before the process began.
    """

    def __init__(self, command: Sequence[str], environment: dict[str, str], *, columns: int = 200) -> None:
        self.raw = ""
        self._text: str | None = None  # the screen as it was last read; None = it has changed
        self._parent, child = pty.openpty()
        self._screen = pyte.Screen(columns, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self._feeding = threading.Lock()
        _resize(child, columns)
        self.modes_before = self.modes()
        self._process = subprocess.Popen(
            command,
            stdin=child,
            stdout=child,
            stderr=child,
            env=environment,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(child)
        self._thread = threading.Thread(target=self._read, name="terminal reader")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(scaled(10))
        self._thread.join(scaled(10))
        os.close(self._parent)

    @property
    def text(self) -> str:
        """The screen: a line for each row, without the empty ones at its end."""
        with self._feeding:
            if self._text is None:
                self._text = "\n".join(row.rstrip() for row in self._screen.display).rstrip("\n") + "\n"
            return self._text

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def modes(self) -> list[object]:
        """Return the settings of the terminal."""
        return termios.tcgetattr(self._parent)

    def resize(self, columns: int) -> None:
        """Change the width of the window."""
        with self._feeding:
            self._screen.resize(ROWS, columns)
        _resize(self._parent, columns)

    def wait_for(self, text: str, times: int = 1) -> None:
        """Wait until the process has written a text so many times."""
        try:
            wait_until(lambda: self.text.count(text) >= times, f"{text!r} {times} times", timeout=20)
        except AssertionError as error:
            raise AssertionError(f"{error} in:\n{self.text}") from None

    def wait_for_mark(self) -> None:
        """Wait until the last row is an empty editor."""
        wait_until(lambda: self.text.endswith("\n>\n") or self.text == ">\n", "an empty editor", timeout=20)

    def press(self, keys: str) -> None:
        """Write keys to the terminal."""
        os.write(self._parent, keys.encode())

    def wait(self) -> int:
        """Wait for the end and return the exit code."""
        return self._process.wait(scaled(20))

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._parent, 65536)
            except OSError:  # EIO: the last process has closed the terminal.
                return
            with self._feeding:
                self._stream.feed(data)
                self._text = None
            self.raw += data.decode("utf-8", "replace")


def _take_terminal() -> None:
    """Make stdin the controlling terminal of the new session."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _resize(terminal: int, columns: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
