"""Segments are counted as phone networks count them."""

from __future__ import annotations

import pytest

from channels.sms.body.gsm7 import BASIC, EXTENSION, count_segments, is_gsm7, utf16_units


def test_the_alphabet_has_its_sizes() -> None:
    # 128 positions of the basic table, one of which is the escape to the extension table.
    assert len(BASIC) == 127
    assert len(EXTENSION) == 10


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        # 153 is odd: an escape and its character are not parted, so a segment holds 76 of them.
        ("€" * 152, 2),
        ("€" * 153, 3),
        ("中" * 70, 1),
        ("中" * 71, 2),
        ("中" * 134, 2),
        ("中" * 135, 3),
        ("🎉" * 35, 1),
        ("🎉" * 36, 2),
        # 67 is odd: a surrogate pair is not parted, so a segment holds 33 of them.
        ("🎉" * 66, 2),
        ("🎉" * 67, 3),
        ("a" * 1599 + "—", 24),
        ("a" * 1600, 11),
    ],
)
def test_segments_are_counted_as_networks_do(text: str, segments: int) -> None:
    assert count_segments(text) == segments


def test_a_backtick_and_lower_c_cedilla_are_not_in_the_alphabet() -> None:
    assert not is_gsm7("`")
    assert not is_gsm7("ç")
    assert is_gsm7("Ç{}~")


def test_characters_outside_the_basic_plane_are_two_units() -> None:
    assert utf16_units("a🎉") == 3
