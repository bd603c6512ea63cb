"""What any phone can send, on the worst inputs that were found: linear time, and a bounded number of calls."""

from __future__ import annotations

import pytest

from channels.sms.receiver import TextMessage, to_inbound
from tests.cost import assert_linear


@pytest.mark.parametrize("piece", ["a", "*", "_", "`", "[a](", "\n", "> \n", " ", "\x1b[", "“", "\u200b", "é"])
def test_text_message_is_read_in_linear_time(piece: str) -> None:
    def reading(size: int) -> TextMessage:
        filled = piece * (size // len(piece))
        return TextMessage(sid="SM1", sender="+15550100", to="+15550199", body=filled, opt_out="")

    assert_linear(lambda size: lambda: to_inbound(reading(size)), 50)


@pytest.mark.parametrize("piece", ["1", "+", " ", "(", "-."])
def test_number_is_read_in_linear_time(piece: str) -> None:
    def reading(size: int) -> TextMessage:
        return TextMessage(sid="SM1", sender=piece * (size // len(piece)), to="+15550199", body="x")

    assert_linear(lambda size: lambda: to_inbound(reading(size)), 50)
