"""What a person types or pastes in the terminal's own line mode."""

from __future__ import annotations

import io

import pytest

from cli.claude.connect import _line_mode
from cli.terminal.events import InputEnded, TerminalEvent, Truncated, Typed
from cli.terminal.input.lines import TERMINAL_LINE
from cli.terminal.screen import Screen
from cli.terminal.terminal import Terminal
from tests.cli.conftest import SESSION


@pytest.fixture
def posted() -> list[TerminalEvent]:
    return []


@pytest.fixture
def terminal(posted: list[TerminalEvent], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal that handles nothing."""
    screen = Screen(io.StringIO(), io.StringIO(), interactive=True, colour=False)
    made = Terminal(lambda: pytest.fail("nothing is connected"), SESSION, screen, interactive=True)
    monkeypatch.setattr(made, "post", posted.append)
    return made


async def test_lines_that_come_at_once_are_one_prompt(terminal: Terminal, posted: list[TerminalEvent]) -> None:
    take, end = _line_mode(terminal)
    for line in ("say one", "", "three"):
        take(line)
    assert posted == []
    end()
    assert posted == [Typed("say one\n\nthree"), InputEnded()]


async def test_of_lines_of_which_one_was_cut_none_is_a_prompt(terminal: Terminal, posted: list[TerminalEvent]) -> None:
    take, end = _line_mode(terminal)
    for line in ("say one", "x" * TERMINAL_LINE):
        take(line)
    end()
    assert posted == [Truncated(), InputEnded()]
