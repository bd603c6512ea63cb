"""Tables for a person: nothing is cut, and no cell speaks to the terminal."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from cli import show


def test_table_in_a_pipe_is_as_wide_as_it_must_be(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 500
    show.out(show.table(("ID", "PROJECT"), [("1", long)]))
    assert long in capsys.readouterr().out


def test_cells_are_no_markup_and_no_escape_sequences(capsys: pytest.CaptureFixture[str]) -> None:
    show.out(show.table(("ID", "NAME"), [("1", "[red]x[/red] :smile: \x1b[31m")]))
    assert "[red]x[/red] :smile:" in (out := capsys.readouterr().out)
    assert "\x1b" not in out


def test_a_call_that_somebody_decides_about_is_not_cut_in_a_narrow_window() -> None:
    narrow = Console(width=60, file=StringIO())
    narrow.print(show.table(("CODE", "CALL"), [("KXQPT", f"Bash git status {'x' * 200} && rm -rf build")]))
    assert isinstance(narrow.file, StringIO)
    assert "build" in narrow.file.getvalue()


def test_values_stand_beside_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    show.out(show.details([("User", "alice"), ("Status", "active")]))
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [["User", "alice"], ["Status", "active"]]
