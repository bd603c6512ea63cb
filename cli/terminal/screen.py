"""A terminal that shows streamed text while a person may type: text never ends up behind the prompt mark."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from cli.plain import plain

MARK = "> "
_ERASE_LINE = "\r\x1b[K"
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"


class Screen:
    """Writes answers to `out` and remarks to `err`; both may be the same terminal.

    Args:
        interactive: a person types at a terminal; show a mark when a prompt may be typed.
        colour: show remarks dimmed.
    """

    def __init__(self, out: TextIO, err: TextIO, *, interactive: bool, colour: bool) -> None:
        self._out = out
        self._err = err
        self._interactive = interactive
        self._colour = colour
        self._marked = False
        self._at_line_start = True

    def stream(self, text: str) -> None:
        """Write a piece of streamed text."""
        text = plain(text)
        if text:
            self._erase_mark()
            self._out.write(text)
            self._out.flush()
            self._at_line_start = text.endswith("\n")

    def line(self, text: str) -> None:
        """Write text that begins and ends on a line of its own."""
        self.end_line()
        self.stream(text.rstrip("\n") + "\n")

    def remark(self, text: str) -> None:
        """Write a line that is not part of the conversation, such as a status or an error."""
        self.end_line()
        self._erase_mark()
        self._err.write(self._dimmed(text))
        self._err.flush()

    def end_line(self) -> None:
        """End the current line, where it holds text."""
        if not self._at_line_start:
            self.stream("\n")

    def mark(self) -> None:
        """Show the prompt mark."""
        if self._interactive and not self._marked:
            self.end_line()
            self._out.write(MARK)
            self._out.flush()
            self._marked = True

    def entered(self, text: str) -> None:
        """Note that a text was typed: the terminal has echoed it and begun the next line."""
        if self._interactive:
            self._marked = False
            self._at_line_start = True

    def overtyped(self) -> None:
        """Note that a control character was typed: the terminal has echoed it (^C) at the cursor."""
        if self._interactive:
            self._marked = False
            self._at_line_start = False

    def drop_draft(self) -> bool:
        """Drop what is typed and not entered yet; return whether there was something that could be dropped."""
        return False

    def attached(self, prompts: Iterable[str]) -> None:
        """Note that the terminal is attached to a session with these prompts, oldest first."""

    def _dimmed(self, text: str) -> str:
        text = plain(text)
        return f"{_DIM}{text}{_PLAIN}\n" if self._colour else f"{text}\n"

    def _erase_mark(self) -> None:
        if self._marked:
            self._out.write(_ERASE_LINE)
            self._out.flush()
            self._marked = False
