"""`xswarm claude connect`: attaches this terminal to a session."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import typer

from cli import settings
from cli.daemon import addresses
from cli.failures import ExitCode
from cli.imports import imported
from cli.options import ConfigFile, SessionId
from cli.terminal.events import InputEnded, Truncated, Typed
from cli.terminal.input.bursts import Bursts
from cli.terminal.input.lines import is_cut, read_lines
from cli.terminal.screen import Screen
from cli.terminal.terminal import Terminal


def connect(session_id: SessionId, config_file: ConfigFile = None) -> None:
    """Attach this terminal to a session: history, live stream, prompts. Ctrl-C interrupts the turn, Ctrl-D leaves.

    Enter sends what is typed or pasted, as one prompt; a backslash before it, or Alt-Enter, begins another line. /help
    lists the words of the terminal. Where stdin is not a terminal, each of its lines is a prompt, one is sent after the
    answer to the other, and the command ends after the last answer.
    """
    raise typer.Exit(asyncio.run(_attach(session_id, config_file)))


async def _attach(session_id: str, config_file: Path | None) -> ExitCode:
    """Attach the terminal by the line editor, by the terminal's own line mode, or as a script."""
    config = settings.load(config_file)
    colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    interactive = sys.stdin.isatty()
    if interactive and sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("", "dumb"):
        # Only here, because it imports a library that takes a quarter of a second.
        by_editor = imported("cli.terminal.by_editor")
        result: ExitCode = await by_editor.attach(config, session_id, colour=colour)
        return result
    screen = Screen(sys.stdout, sys.stderr, interactive=interactive, colour=colour)
    terminal = Terminal(lambda: addresses.find(config), session_id, screen, interactive=interactive)
    read_lines(sys.stdin.fileno(), *_line_mode(terminal) if interactive else _script(terminal))
    try:
        return await terminal.run()
    finally:
        screen.end_line()


def _script(terminal: Terminal) -> tuple[Callable[[str], None], Callable[[], None]]:
    """Return what takes the lines of a script, each a prompt, and their end."""
    return lambda text: terminal.post(Typed(text)), lambda: terminal.post(InputEnded())


def _line_mode(terminal: Terminal) -> tuple[Callable[[str], None], Callable[[], None]]:
    """Return what takes the lines of a person, those of a pasted text as one prompt, and their end."""
    bursts = Bursts(lambda text: terminal.post(Truncated() if is_cut(text) else Typed(text)))

    def end() -> None:
        bursts.flush()
        terminal.post(InputEnded())

    return bursts.add, end
