"""Words and excerpts of the search; what is found is the contract's."""

from __future__ import annotations

import pytest

from supervisor.store.messages.search import EXCERPT_WORDS
from supervisor.store.postgres.search import _excerpt, _folded, _wanted, fold, indexed_words


def test_words_are_folded_as_fts5_folds_them() -> None:
    assert [fold(word) for word in ("Café", "STRASSE", "Ωmega")] == ["cafe", "strasse", "ωmega"]
    assert _folded("Lunch at 12:30, 会議室") == ["lunch", "at", "12", "30", "会", "議", "室"]


def test_signs_that_a_plain_form_has_are_left_out() -> None:
    assert [fold(word) for word in ("⑴", "ﷺ", "\u037a", "\ufe70")] == ["1", "صلىاللهعليهوسلم", "", ""]
    assert indexed_words("a \u037a b", "") == "a:1 b:3"
    assert _wanted("\ufe70 ⑴") == [["1"]]


@pytest.mark.parametrize(
    ("words", "excerpt"),
    [
        ("fri", "Lunch on \x01Friday\x02?"),
        ("lunch friday", "\x01Lunch\x02 on \x01Friday\x02?"),
        ("dinner", "Lunch on Friday?"),
    ],
)
def test_an_excerpt_marks_what_was_looked_for(words: str, excerpt: str) -> None:
    assert _excerpt("Lunch on Friday?", _wanted(words)) == excerpt


def test_an_excerpt_of_a_long_text_is_short() -> None:
    text = " ".join(f"w{n}" for n in range(200))
    excerpt = _excerpt(text, _wanted("w100"))
    assert "\x01w100\x02" in excerpt
    assert excerpt.startswith("…w94 ")
    assert excerpt.endswith("…")
    assert len(excerpt.split()) == EXCERPT_WORDS
    assert _excerpt("", _wanted("x")) == ""
