"""Numbers with their nouns, and money, as people read them."""

from __future__ import annotations

import pytest

from supervisor.protocol.text.amounts import counted, money
from supervisor.protocol.times import nanos


@pytest.mark.parametrize(
    ("count", "noun", "read"),
    [
        (0, "message", "0 messages"),
        (1, "message", "1 message"),
        (2, "message", "2 messages"),
        (1, "reply|replies", "1 reply"),
        (2, "reply|replies", "2 replies"),
        (1234, "file", "1234 files"),
    ],
)
def test_numbers_have_their_noun(count: int, noun: str, read: str) -> None:
    assert counted(count, noun) == read


@pytest.mark.parametrize(
    ("dollars", "read"),
    [
        (0, "$0.00"),
        (0.000001, "less than $0.01"),
        (0.0049, "less than $0.01"),
        (0.0051, "$0.01"),
        (1.1203, "$1.12"),
        (1234.5, "$1,234.50"),
    ],
)
def test_money_has_two_decimals_and_is_never_shown_as_nothing(dollars: float, read: str) -> None:
    assert money(nanos(dollars)) == read
