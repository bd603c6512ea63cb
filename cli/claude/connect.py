"""`xswarm claude connect`: attaches this terminal to a session."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import typer

from cli.daemon import addresses
from cli.failures import ExitCode
from cli.options import ConfigFile, SessionId
from cli.terminal.events import InputEnded, Typed
from cli.terminal.lines import read_lines
from cli.terminal.screen import Screen
from cli.terminal.terminal import Terminal
from supervisor import config


def connect(session_id: SessionId, config_file: ConfigFile = None) -> None:
    """Attach this terminal to a session: history, live stream, prompts. Ctrl-C interrupts the turn, Ctrl-D leaves.

    Every line is a prompt; a backslash at its end continues it on the next line. Where stdin is not a terminal, its
    lines are sent one after the other, and the command ends after the last answer.
    """
    raise typer.Exit(asyncio.run(_attach(session_id, config_file)))


async def _attach(session_id: str, config_file: Path | None) -> ExitCode:
    interactive = sys.stdin.isatty()
    colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    screen = Screen(sys.stdout, sys.stderr, interactive=interactive, colour=colour)
    settings = config.load(config.find(config_file))
    terminal = Terminal(lambda: addresses.find(settings), session_id, screen, interactive=interactive)
    read_lines(sys.stdin.fileno(), lambda text: terminal.post(Typed(text)), lambda: terminal.post(InputEnded()))
    try:
        return await terminal.run()
    finally:
        screen.end_line()
