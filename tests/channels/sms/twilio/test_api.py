"""Prices of the Twilio API."""

from __future__ import annotations

import pytest

from channels.sms.twilio.api import to_nanodollars


@pytest.mark.parametrize(
    ("price", "unit", "nanos"),
    [
        ("-0.00750", "USD", 7_500_000),
        ("-0.0079", "usd", 7_900_000),
        ("-12.5", "USD", 12_500_000_000),
        ("0", "USD", 0),
        (None, "USD", None),
        ("-0.0075", "EUR", None),
        ("-0.0075", None, None),
        ("free", "USD", None),
        ("NaN", "USD", None),
        ("-Infinity", "USD", None),
    ],
)
def test_a_price_becomes_nanodollars(price: str | None, unit: str | None, nanos: int | None) -> None:
    assert to_nanodollars(price, unit) == nanos
