"""Words of the terminal are told apart from prompts."""

from __future__ import annotations

import pytest

from cli.terminal.input.words import Answer, Help, SendAsText, UnknownWord, Word, is_almost_an_answer, word


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("/yes", Answer("allow", 0)),
        (" /NO 2 ", Answer("deny", 2)),
        ("yes", None),
        ("Yes kxqpt.", Answer("allow", "KXQPT")),
        ("NO KXQPT", Answer("deny", "KXQPT")),
        ("/yes kxqpt", Answer("allow", "KXQPT")),
        ("yes kxqpt please", None),
        ("say /yes", None),
        ("/yes please", UnknownWord()),
        ("/yes -1", UnknownWord()),
        ("/Help", Help()),
        ("/send", SendAsText()),
        ("/login", UnknownWord()),
        ("/mcp:add a\nb", UnknownWord()),
        ("/etc/passwd: who may read it?", None),
        ("//", None),
        ("/ 2", None),
        ("", None),
    ],
)
def test_a_word_is_a_whole_text_or_its_beginning(typed: str, found: Word | None) -> None:
    assert word(typed) == found


@pytest.mark.parametrize(
    ("typed", "almost"), [("yes", True), ("No.", True), ("ok KXQPT", True), ("y", True), ("yes, do it", False)]
)
def test_what_may_be_meant_as_an_answer(typed: str, almost: bool) -> None:
    assert is_almost_an_answer(typed) is almost
