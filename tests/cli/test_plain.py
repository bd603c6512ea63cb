"""Control characters and escape sequences are removed from text."""

from __future__ import annotations

import pytest

from cli.plain import plain


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("plain\ttext\nof two lines", "plain\ttext\nof two lines"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]52;c;Y29weQ==\x1b\\after", "after"),
        ("\x1bP1$tx\x1b\\after", "after"),
        ("\x1bcafter", "after"),
        ("\x9b31mc1", "31mc1"),
        ("bell\x07 back\x08 return\r", "bell back return"),
        ("an open \x1b", "an open "),
        ("an open \x1b]0;title", "an open 0;title"),
        ("user\u202etxt.exe", "usertxt.exe"),
        ("\ud800", "?"),
        ("naïve ☕ 日本", "naïve ☕ 日本"),
    ],
)
def test_only_what_is_visible_is_left(text: str, visible: str) -> None:
    assert plain(text) == visible
