"""A body is bounded and ends at a good place; the following bodies have the rest."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sms.body.gsm7 import count_segments, utf16_units
from channels.sms.body.plain import plain_text
from channels.sms.body.shaping import EMPTY, MAX_CHARACTERS, MORE_NOTE, Body, shape

LONG_TEXTS = st.one_of(
    st.text(max_size=3000),
    st.text(alphabet=st.sampled_from("ab. \n€中🎉\u0301\u200d"), max_size=3000),
    st.builds(lambda part, times: part * times, st.text(min_size=1, max_size=40), st.integers(1, 200)),
)


def all_bodies(plain: str, max_segments: int) -> list[Body]:
    """Follow the offsets to the end."""
    bodies, offset = [], 0
    while True:
        body = shape(plain, max_segments=max_segments, offset=offset)
        bodies.append(body)
        if body.next_offset is None:
            return bodies
        assert body.next_offset > offset
        offset = body.next_offset


@given(LONG_TEXTS, st.integers(1, 10))
def test_every_body_is_within_its_bounds_and_all_of_them_carry_the_whole_text(text: str, max_segments: int) -> None:
    plain = plain_text(text)
    bodies = all_bodies(plain, max_segments)
    for body in bodies:
        assert body.segments == count_segments(body.text) <= max_segments
        assert utf16_units(body.text) <= MAX_CHARACTERS
        assert body.text.strip() == body.text != ""
        body.text.encode("utf-16")  # raises on half of a surrogate pair
        assert body.text.endswith(MORE_NOTE) == (body.next_offset is not None)
    carried = "".join(body.text.removesuffix(MORE_NOTE) for body in bodies)
    if plain:
        assert re.sub(r"\s", "", carried) == re.sub(r"\s", "", plain)
    else:
        assert carried == EMPTY


def test_a_text_that_fits_is_left_as_it_is() -> None:
    assert shape("a" * 612, max_segments=4) == Body(text="a" * 612, segments=4, next_offset=None)


def test_a_text_one_character_too_long_is_cut_with_a_note() -> None:
    body = shape("a" * 613, max_segments=4)
    assert body.text == "a" * (612 - len(MORE_NOTE)) + MORE_NOTE
    assert body.next_offset == 612 - len(MORE_NOTE)


def test_an_answer_of_9528_characters_costs_at_most_its_segments() -> None:
    assert shape(plain_text("word " * 1905 + "end"), max_segments=4).segments == 4


def test_no_body_is_longer_than_twilio_takes() -> None:
    body = shape("a" * 5000, max_segments=10)
    assert len(body.text) <= 1530
    assert body.segments == 10


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("x" * 90 + ". Words here.\n\n" + "y" * 400, "Words here."),
        ("x" * 90 + ". Words here. " + "y" * 400, "Words here."),
        ("x" * 90 + " words here " + "y" * 400, "words here"),
        ("y" * 400, "y"),
    ],
)
def test_a_body_ends_with_a_paragraph_a_sentence_or_a_word(text: str, end: str) -> None:
    body = shape(text, max_segments=1)
    assert body.text.removesuffix(MORE_NOTE).endswith(end)
    assert body.segments == 1


def test_characters_drawn_as_one_stay_together() -> None:
    family = "👨\u200d👩\u200d👧"
    for body in all_bodies(family * 40, 1):
        assert body.text.removesuffix(MORE_NOTE).replace(family, "") == ""


def test_an_offset_after_the_end_gives_an_empty_body() -> None:
    assert shape("text", max_segments=4, offset=99).text == EMPTY
