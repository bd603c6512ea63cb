"""The watchdog: a process of its own that kills the daemon before its lease ends, unless the daemon is heard of.

A daemon that hangs, or was stopped by a signal, ends no agent: they would go on beside those of the node that takes
over. The watchdog sends it SIGKILL at two thirds of its lease, and the fence of each session then ends its agents. It
is in a session of its own, so that what stops the daemon's terminal does not stop it.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger(__name__)

PROGRAM = str(Path(__file__).with_name("watching.py"))


class Watchdog:
    """The process beside this one. It ends by itself when this one does."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def extend(self, deadline: float) -> None:
        """Let this process live until a time, in seconds of `boot_seconds`, unless this is called again.

        The first call starts the watchdog, and so does each after it was ended by somebody.

        Raises:
            OSError: it cannot be started.
        """
        line = f"{deadline:.3f}\n".encode()
        if self._process is not None and self._process.poll() is not None:
            logger.warning("the watchdog was ended by somebody, and is started again")
            self.close()
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                cwd="/",
                env={},
                start_new_session=True,
            )
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # the next call finds that it is gone
            self._process.stdin.write(line)

    def close(self) -> None:
        """End the watchdog: the lease is given up, or this process ends. May be called twice."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            with suppress(BrokenPipeError):
                process.stdin.close()
            process.wait()
