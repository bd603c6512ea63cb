"""Markdown becomes the text that a phone shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sms.body.gsm7 import is_gsm7
from channels.sms.body.plain import clean, plain_text, typed


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("# Title\n\nText", "Title\n\nText"),
        ("some *emphasis*, **strong**, ~~gone~~ and `code`", "some emphasis, strong, gone and code"),
        ("- one\n- two\n  - nested\n- three", "- one\n- two\n  - nested\n- three"),
        ("Here:\n\n1. one\n2. two\n\nDone", "Here:\n1. one\n2. two\n\nDone"),
        ("3. three\n4. four", "3. three\n4. four"),
        ("- one\n\n- two", "- one\n- two"),
        ("```python\ndef f():\n    return 1\n```", "def f():\n    return 1"),
        ("[docs](https://a.example/b)", "docs (https://a.example/b)"),
        ("<https://a.example/>", "https://a.example/"),
        ("<me@a.example>", "me@a.example"),
        ("![a picture](https://a.example/p.png)", "a picture"),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n\nend", "a | b\n1 | 2\n\nend"),
        ("> quoted\n> text", "quoted\ntext"),
        ("one\n\n---\n\ntwo", "one\n\n---\n\ntwo"),
        ("edit <file> &amp; snake_case_name", "edit <file> & snake_case_name"),
        ("a line\nand another  \nand one more", "a line\nand another\nand one more"),
        ("- [ ] open\n- [x] done", "- [ ] open\n- [x] done"),
        ("**see** app/__init__.py and __main__.py", "see app/__init__.py and __main__.py"),
        ("", ""),
        ("   \n\n ", ""),
    ],
)
def test_markup_is_removed_and_its_meaning_kept(markdown: str, plain: str) -> None:
    assert plain_text(markdown) == plain


def test_typographic_characters_are_written_in_gsm7() -> None:
    typeset = "“It’s” — a ‘test’ – with… bullets • arrows → ≤ ≥ ≠ ✓ ✅\ufe0f ❌ ⚠️ × non\u00a0breaking « »"
    assert is_gsm7(plain_text(typeset))
    assert plain_text("“It’s” — so…") == '"It\'s" - so...'


def test_letters_and_other_scripts_stay() -> None:
    assert plain_text("señor, ça va, 中文, 🎉, می‌خواهم") == "señor, ça va, 中文, 🎉, می‌خواهم"


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("a\x00b\x07c\x7fd\x9be", "abcde"),
        ("abc\u202edef\u202c", "abcdef"),
        ("\u2066abc\u2069\u200f", "abc"),
        ("&#x202e;abc&#27;", "abc\ufffd"),
        ("tab\tstop", "tab  stop"),
        ("line\r\nline\rline", "line\nline\nline"),
        ("lone \ud800 surrogate", "lone  surrogate"),
    ],
)
def test_control_sequences_are_removed(hostile: str, harmless: str) -> None:
    assert plain_text(hostile) == harmless


@given(st.text())
def test_cleaned_text_has_no_control_characters(text: str) -> None:
    assert not any(c != "\n" and (c < " " or "\x7f" <= c <= "\x9f" or "\u202a" <= c <= "\u202e") for c in clean(text))


@given(st.text(alphabet=st.sampled_from("ab *_`#->[]()|\n1.~!<&;\\")))
def test_every_markdown_gives_text_and_always_the_same(markdown: str) -> None:
    assert plain_text(markdown) == plain_text(markdown)


@given(st.text(alphabet=st.characters(whitelist_categories=["L", "N"]), min_size=1))
def test_letters_and_digits_are_never_lost(text: str) -> None:
    assert plain_text(text) == text


def test_typed_text_keeps_characters_of_markup() -> None:
    assert typed("“*a*” – __b__…\u202e") == '"*a*" - __b__...'
