"""Resets signals that the shell ignores: `nohup make test` and `make test &` start pytest with some of them ignored.

A subprocess inherits an ignored signal, so SIGINT would not end a command line that a test starts. A signal with a
handler, however, has its default action again in a subprocess (execve(2)).
"""

from __future__ import annotations

import signal
from types import FrameType


def restore_defaults() -> None:
    """Reset each ignored signal to its default, for this process and its subprocesses.

    SIGHUP does nothing in this process, as before: the user of `nohup` wants the tests to go on.
    """
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, HANDLERS.get(number, signal.SIG_DFL))


def _go_on(number: int, frame: FrameType | None) -> None:
    """Do nothing; unlike SIG_IGN, a handler is not inherited."""


HANDLERS = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: _go_on}
