"""Texts from outside, as they can be stored."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from supervisor.protocol.messages import well_formed


@given(st.text(st.characters(codec="utf-8")))
def test_what_utf_8_can_hold_stays_as_it_is(text: str) -> None:
    assert well_formed(text) == text


@given(st.text(st.characters(min_codepoint=0xD7F0, max_codepoint=0xE010)))
def test_whatever_comes_out_can_be_stored(text: str) -> None:
    assert well_formed(text).encode().decode() == well_formed(text)


def test_half_a_pair_is_replaced_and_two_halves_are_joined() -> None:
    assert well_formed("half \ud83d of it") == "half \ufffd of it"
    assert well_formed("\ud83d" + "\ude00") == "\U0001f600"
