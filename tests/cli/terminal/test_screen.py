"""Text may arrive on the screen while a person types."""

from __future__ import annotations

from io import StringIO

from cli.terminal.screen import Screen


def screen(*, interactive: bool) -> tuple[Screen, StringIO]:
    terminal = StringIO()
    return Screen(terminal, terminal, interactive=interactive, colour=False), terminal


def test_mark_is_taken_away_before_anything_comes() -> None:
    there, terminal = screen(interactive=True)
    there.mark()
    there.mark()
    there.stream("hello")
    assert terminal.getvalue() == "> \r\x1b[Khello"


def test_mark_begins_a_line() -> None:
    there, terminal = screen(interactive=True)
    there.stream("hello")
    there.mark()
    assert terminal.getvalue() == "hello\n> "


def test_typed_line_leaves_the_cursor_on_a_new_one() -> None:
    there, terminal = screen(interactive=True)
    there.mark()
    there.entered("hello")
    there.line("answer")
    assert terminal.getvalue() == "> answer\n"


def test_control_character_leaves_it_on_the_old_one() -> None:
    there, terminal = screen(interactive=True)
    there.mark()
    there.overtyped()
    there.remark("interrupted")
    assert terminal.getvalue() == "> \ninterrupted\n"


def test_script_sees_no_marks_and_whole_lines() -> None:
    there, terminal = screen(interactive=False)
    there.mark()
    there.stream("an")
    there.entered("hello")
    there.overtyped()
    there.stream("swer")
    there.remark("[done]")
    assert terminal.getvalue() == "answer\n[done]\n"
