"""A terminal attached to the session of the stand-in, in a pseudo-terminal."""

from __future__ import annotations

from tests.cli.conftest import SESSION, command_line, process_environment
from tests.cli.terminal_process import TerminalProcess


def attached(given: str = SESSION, columns: int = 200, term: str = "xterm") -> TerminalProcess:
    """Return `xswarm claude connect`, not yet started."""
    environment = process_environment() | {"TERM": term}
    return TerminalProcess(command_line("claude", "connect", given), environment, columns=columns)
