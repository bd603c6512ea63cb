"""The line editor at the bottom of an attached terminal; what is printed appears above it.

It edits with prompt_toolkit: several lines, a history, wide characters, windows of any size, bracketed paste.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.data_structures import Size
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import has_focus
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout.processors import TabsProcessor
from prompt_toolkit.output.vt100 import Vt100_Output

from cli.terminal.events import InputEnded, Interrupted, PersonEvent, Typed
from cli.terminal.input.keys import SubmitKey
from cli.terminal.rows import last_rows
from cli.terminal.screen import MARK

CONTINUATION = " " * len(MARK)
"""What stands before the second and every further line of a text."""

MOST_TAIL_ROWS = 12
"""Most rows of an unfinished line of an answer that are shown above the editor."""


class LineEditor:
    """Edits the next text of the person, and posts it when Enter is pressed.

    Args:
        post: takes what the person does: a text, Ctrl-C, Ctrl-D.
    """

    def __init__(self, post: Callable[[PersonEvent], None], reading: TextIO, writing: TextIO) -> None:
        self._post = post
        self._tail = ""
        self._mark = ""
        self._history = InMemoryHistory()
        # The editor needs no height of the window below the cursor, so it does not ask the terminal for it.
        self._output = Vt100_Output(writing, lambda: _size(writing), term=os.environ.get("TERM"), enable_cpr=False)
        self._session: PromptSession[None] = PromptSession(
            self._above_and_mark,
            multiline=True,
            prompt_continuation=CONTINUATION,
            key_bindings=self._keys(),
            history=self._history,
            enable_suspend=True,
            reserve_space_for_menu=0,
            erase_when_done=True,
            input_processors=[TabsProcessor()],
            input=Vt100Input(reading),
            output=self._output,
        )
        self._submit_key = SubmitKey(lambda: self.draft, self._insert, self._submit)
        processor = self._session.app.key_processor
        processor.before_key_press += lambda _: self._submit_key.before_key()
        processor.after_key_press += lambda _: self._submit_key.after_key()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Show the editor inside the block; afterwards it is gone from the screen, and the terminal is as before."""
        editing = asyncio.create_task(self._run(), name="line editor")
        try:
            yield
        finally:
            if self._session.app.is_running:
                self._session.app.exit()
            await editing

    @property
    def draft(self) -> str:
        """The text that is not entered yet."""
        return self._session.default_buffer.text

    def drop_draft(self) -> None:
        """Empty the editor; the text stays in the history."""
        self._session.default_buffer.reset(append_to_history=True)
        self._session.app.invalidate()

    def remember(self, texts: Iterable[str]) -> None:
        """Add texts to the history, oldest first."""
        for text in texts:
            self._history.append_string(text)

    def print(self, text: str) -> None:
        """Write whole lines above the editor.

        Args:
            text: ends with a line feed.
        """
        self._session.app.renderer.erase()
        self._output.write_raw(text.replace("\n", "\r\n"))
        self._output.flush()
        self._session.app.invalidate()

    def show_mark(self) -> None:
        """Show that a text may be entered; from then on the mark stays."""
        if not self._mark:
            self._mark = MARK
            self._session.app.invalidate()

    def show_tail(self, text: str) -> None:
        """Show the line of an answer that has no end yet, between what is printed and what is typed."""
        if text != self._tail:
            self._tail = text
            self._session.app.invalidate()

    async def _run(self) -> None:
        try:
            await self._session.prompt_async(set_exception_handler=False, handle_sigint=False)
        except EOFError:  # The terminal is gone.
            self._post(InputEnded())

    def _above_and_mark(self) -> StyleAndTextTuples:
        size = self._output.get_size()
        above = last_rows(self._tail, size.columns, min(MOST_TAIL_ROWS, size.rows // 2))
        return [("", "".join(f"{row}\n" for row in above) + self._mark)]

    def _insert(self, text: str) -> None:
        self._session.default_buffer.insert_text(text)

    def _submit(self, text: str) -> None:
        buffer = self._session.default_buffer
        if text.endswith("\\"):
            buffer.document = Document(f"{text[:-1]}\n")
            return
        buffer.document = Document(text)
        buffer.reset(append_to_history=bool(text.strip()))
        self._session.app.invalidate()
        # Bytes that are no UTF-8 come as lone surrogates, which no frame can carry.
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        self._post(Typed(text.rstrip("\n")))

    def _keys(self) -> KeyBindings:
        bindings = KeyBindings()
        key = partial(bindings.add, filter=has_focus(DEFAULT_BUFFER))  # Ctrl-R searches with keys of its own

        @key("enter")
        @key("c-j")
        def _enter(event: KeyPressEvent) -> None:
            self._submit_key.enter()

        @key("escape", "enter")
        def _new_line(event: KeyPressEvent) -> None:
            self._insert("\n")

        @key("<any>")
        @key("c-i")
        def _character(event: KeyPressEvent) -> None:
            self._submit_key.text(event.data * event.arg)

        @key("<bracketed-paste>")
        def _paste(event: KeyPressEvent) -> None:
            self._submit_key.text(event.data.replace("\r\n", "\n").replace("\r", "\n"))

        @key("c-c")
        def _interrupt(event: KeyPressEvent) -> None:
            self._submit_key.settle()
            self._post(Interrupted())

        @key("c-d")
        def _end(event: KeyPressEvent) -> None:
            self._submit_key.settle()
            if self.draft:
                event.current_buffer.delete()
            else:
                self._post(InputEnded())

        return bindings


def _size(terminal: TextIO) -> Size:
    """Return the size of a terminal; one that does not tell its size is taken for one of 80 by 24."""
    size = os.get_terminal_size(terminal.fileno())
    return Size(rows=size.lines or 24, columns=size.columns or 80)
