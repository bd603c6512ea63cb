"""Which messages are commands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor import words
from supervisor.words import CARRIER_WORDS, Word


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("STATUS", Word.STATUS),
        ("status", Word.STATUS),
        ("  Status.\n", Word.STATUS),
        ("cost", Word.COST),
        ("More .", Word.MORE),
        ("\tABORT", Word.ABORT),
    ],
)
def test_a_whole_message_is_a_command_word(text: str, word: Word) -> None:
    assert words.parse(text) is word


@pytest.mark.parametrize(
    "text",
    ["", ".", "status report", "the status", "STATUS..", "STATUS!", "abort it", "STATUS\nCOST", "mores", "'COST'"],
)
def test_anything_else_is_an_ordinary_message(text: str) -> None:
    assert words.parse(text) is None


@pytest.mark.parametrize("text", sorted(CARRIER_WORDS))
def test_the_carriers_words_are_never_ours(text: str) -> None:
    assert words.parse(text) is None
    assert words.is_carrier_word(f" {text.lower()} ")


def test_a_carriers_word_inside_a_sentence_is_an_ordinary_message() -> None:
    assert not words.is_carrier_word("please stop")


@given(st.sampled_from(list(Word)), st.text(alphabet=" \t\r\n"), st.text(alphabet=" \t\r\n"), st.booleans(), st.data())
def test_case_blanks_and_one_full_stop_do_not_matter(
    word: Word, before: str, after: str, stop: bool, data: st.DataObject
) -> None:
    letters = [data.draw(st.sampled_from([letter, letter.lower()])) for letter in word]
    assert words.parse(before + "".join(letters) + ("." if stop else "") + after) is word


@given(st.text())
def test_any_text_is_a_word_or_none(text: str) -> None:
    parsed = words.parse(text)
    assert parsed is None or parsed in text.upper()
