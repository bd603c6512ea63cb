"""Whole lines go above the editor; the unfinished line of an answer stays with it."""

from __future__ import annotations

import sys

from cli.terminal.input.editor import LineEditor
from cli.terminal.live_screen import MOST_ECHOED_LINES, LiveScreen


class Editor(LineEditor):
    """Keeps what it is told to show."""

    def __init__(self) -> None:
        self.printed = ""
        self.tail = ""

    def print(self, text: str) -> None:
        self.printed += text

    def show_tail(self, text: str) -> None:
        self.tail = text


def live_screen() -> tuple[Editor, LiveScreen]:
    editor = Editor()
    screen = LiveScreen(editor, sys.stderr, colour=False)
    screen._separate_remarks = False
    return editor, screen


def test_a_line_is_printed_once_it_is_whole() -> None:
    editor, screen = live_screen()
    screen.stream("one\ntw")
    assert (editor.printed, editor.tail) == ("one\n", "tw")
    screen.stream("o")
    assert (editor.printed, editor.tail) == ("one\n", "two")
    screen.end_line()
    screen.end_line()
    assert (editor.printed, editor.tail) == ("one\ntwo\n", "")


def test_remarks_and_entered_texts_do_not_cut_an_unfinished_line() -> None:
    editor, screen = live_screen()
    screen.stream("unfinish")
    screen.remark("[remark]\x1b[31m")
    screen.entered("first\nsecond")
    screen.stream("ed\n")
    assert editor.printed == "[remark]\n> first\n  second\nunfinished\n"


def test_of_a_long_text_the_first_lines_are_shown_again() -> None:
    editor, screen = live_screen()
    screen.entered("\n".join("line" for _ in range(MOST_ECHOED_LINES + 70)))
    assert editor.printed.count("line\n") == MOST_ECHOED_LINES
    assert editor.printed.endswith("  ... (70 more lines)\n")
