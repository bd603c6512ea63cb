"""Tells when the terminal or the parent process of the demo is gone, so that no demo is left behind."""

from __future__ import annotations

import asyncio
import os
import select
import signal
from contextlib import suppress

LOOK_SECONDS = 0.5
"""Between two looks, in seconds."""


class Lifeline:
    """What the demo lives with: its parent process, and the terminal that it was started in, if any.

    A program that stands between can hide the end of a terminal: make ignores its signal until its own child has ended.
    With `nohup` the demo lives on.

    Args:
        look_seconds: between two looks, in seconds.
    """

    def __init__(self, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._look_seconds = look_seconds
        self._parent = os.getppid()
        self._detached = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN

    async def broken(self) -> str:
        """Return when the demo must end, with the reason in words; never where it was started with `nohup`."""
        if self._detached:
            await asyncio.get_running_loop().create_future()
        terminals = select.poll()
        own = _controlling_terminal()
        try:
            for descriptor in (0, 1, 2) if own is None else (0, 1, 2, own):
                with suppress(OSError):
                    if os.isatty(descriptor):
                        terminals.register(descriptor, 0)  # nothing but its end
            while True:
                if os.getppid() != self._parent:
                    return "the process that started it has ended"
                if terminals.poll(0):
                    return "its terminal was closed"
                await asyncio.sleep(self._look_seconds)
        finally:
            if own is not None:
                os.close(own)


def _controlling_terminal() -> int | None:
    """Return a descriptor of the terminal of this process, which its input may not be; None = it has none."""
    try:
        return os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None
