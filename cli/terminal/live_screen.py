"""The screen above a line editor: whole lines scroll away, the unfinished line of an answer stays with the editor."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TextIO

from cli.plain import plain
from cli.terminal.input.editor import CONTINUATION, LineEditor
from cli.terminal.screen import MARK, Screen

MOST_ECHOED_LINES = 30
"""Most lines of an entered text that are shown again."""


class LiveScreen(Screen):
    """Shows answers and remarks above an editor, whatever is being typed in it.

    Args:
        err: takes the remarks, where it is no terminal.
    """

    def __init__(self, editor: LineEditor, err: TextIO, *, colour: bool) -> None:
        super().__init__(sys.stdout, err, interactive=True, colour=colour)
        self._editor = editor
        self._unfinished = ""
        self._separate_remarks = not err.isatty()

    def stream(self, text: str) -> None:
        """Show a piece of streamed text."""
        whole, line_feed, rest = plain(text).rpartition("\n")
        if line_feed:
            self._editor.print(f"{self._unfinished}{whole}\n")
            self._unfinished = ""
        self._unfinished += rest
        self._editor.show_tail(self._unfinished)

    def remark(self, text: str) -> None:
        """Show a line that is not part of the conversation, above an unfinished line of an answer."""
        if self._separate_remarks:
            super().remark(text)
        else:
            self._editor.print(self._dimmed(text))

    def end_line(self) -> None:
        """End the unfinished line, if there is one."""
        if self._unfinished:
            self.stream("\n")

    def mark(self) -> None:
        """Show the mark of the editor, which stays from then on."""
        self._editor.show_mark()

    def entered(self, text: str) -> None:
        """Show a text that was entered, above an unfinished line of an answer."""
        first, *rest = plain(text).split("\n")
        shown = [MARK + first, *(CONTINUATION + line for line in rest)]
        if (left := len(shown) - MOST_ECHOED_LINES) > 1:
            shown[MOST_ECHOED_LINES:] = [f"{CONTINUATION}... ({left} more lines)"]
        self._editor.print("\n".join(shown) + "\n")

    def overtyped(self) -> None:
        """Do nothing: the editor echoes no control characters."""

    def drop_draft(self) -> bool:
        """Drop what is typed and not entered yet; return whether there was something."""
        if not self._editor.draft:
            return False
        self._editor.drop_draft()
        return True

    def attached(self, prompts: Iterable[str]) -> None:
        """Show the mark, also while a turn runs, and add the prompts to the history of the editor."""
        self._editor.remember(prompts)
        self._editor.show_mark()
