"""A process in a pseudo-terminal: tests read what it writes, and press keys."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import termios
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from tests.slowness import scaled
from tests.waiting import wait_until

CTRL_C, CTRL_D = "\x03", "\x04"


class TerminalProcess:
    """A process with a controlling terminal of its own, so that keys become signals.

    Attributes:
        text: all that it has written.
    """

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self.text = ""
        self._parent, child = pty.openpty()
        self._process = subprocess.Popen(
            command,
            stdin=child,
            stdout=child,
            stderr=child,
            env=environment | {"COLUMNS": "200"},
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

    def wait_for(self, text: str, times: int = 1) -> None:
        """Wait until the process has written a text so many times."""
        try:
            wait_until(lambda: self.text.count(text) >= times, f"{text!r} {times} times", timeout=20)
        except AssertionError as error:
            raise AssertionError(f"{error} in:\n{self.text}") from None

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
            self.text += data.decode("utf-8", "replace").replace("\r\n", "\n")


def _take_terminal() -> None:
    """Make stdin the controlling terminal of the new session."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
