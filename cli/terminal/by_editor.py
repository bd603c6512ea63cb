"""Attaches a terminal that can place the cursor: what a person types is edited below the conversation."""

from __future__ import annotations

import sys

from cli.daemon import addresses
from cli.failures import ExitCode
from cli.terminal.events import PersonEvent
from cli.terminal.input.editor import LineEditor
from cli.terminal.live_screen import LiveScreen
from cli.terminal.terminal import Terminal
from supervisor.config import Config


async def attach(settings: Config, session_id: str, *, colour: bool) -> ExitCode:
    """Attach the terminal of this process to a session, until the person leaves; return the exit code.

    Args:
        session_id: the session as the person named it.

    Raises:
        XswarmError: the terminal cannot be attached to the session.
    """

    def post(event: PersonEvent) -> None:
        terminal.post(event)

    editor = LineEditor(post, sys.stdin, sys.stdout)
    screen = LiveScreen(editor, sys.stderr, colour=colour)
    terminal = Terminal(lambda: addresses.find(settings), session_id, screen, interactive=True)
    async with editor.running():
        try:
            return await terminal.run()
        finally:
            screen.end_line()
