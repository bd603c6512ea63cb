"""Signals that the shell ignores: `nohup make test` and `make test &` start pytest with some of them ignored.

A child inherits an ignored signal. So Ctrl-C would end no command line that a test starts, and the product would be
tested in a state that only such a shell produces. A signal with a handler is back at its default in a child.
"""

from __future__ import annotations

import signal
from types import FrameType


def restore_defaults() -> None:
    """Let the children of this process start with no signal ignored that ends or stops a process by default.

    The process itself gets back its defaults as well, but for SIGHUP: who wrote `nohup` wants it to go on.
    """
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, HANDLERS.get(number, signal.SIG_DFL))


def _go_on(number: int, frame: FrameType | None) -> None:
    """Ignore a signal in this process only."""


HANDLERS = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: _go_on}
