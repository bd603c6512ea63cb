"""The title of a chat: short, on one line, in whole words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.intake.title import LONGEST, title_of


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Check compliance for next month", "Check compliance for next month"),
        ("  two\n\nlines\t here ", "two lines here"),
        ("a" * 70, "a" * 60 + "…"),
        ("Find swap candidates for everybody who works at night in the second week of May", None),
    ],
)
def test_it_is_the_beginning_of_the_first_message(text: str, title: str | None) -> None:
    expected = title or "Find swap candidates for everybody who works at night in the…"
    assert title_of(text) == expected


@given(st.text())
def test_it_is_short_and_has_one_line(text: str) -> None:
    title = title_of(text)
    assert len(title) <= LONGEST + 1
    assert title.splitlines() == ([title] if title else [])
