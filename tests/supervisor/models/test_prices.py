from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.models.prices import PriceList, Rates
from supervisor.protocol.conversation import Tokens

PRICES = PriceList()
TODAY = datetime(2026, 11, 20, tzinfo=UTC)

MEASURED = {
    "claude-opus-5-5": ("4", "20", "0.2", "5", "8"),
    "claude-fable-5-2": ("8", "40", "0.2", "10", "16"),
    "claude-sonnet-5-5": ("2", "10", "0.1", "2.5", "4"),
    "claude-haiku-5-5": ("0.1", "0.5", "0.01", "0.125", "0.2"),
    "claude-opus-5": ("5", "25", "0.5", "6.25", "10"),
    "claude-opus-4-8": ("5", "25", "0.5", "6.25", "10"),
    "claude-opus-4-5": ("5", "25", "0.5", "6.25", "10"),
    "claude-sonnet-5": ("2", "10", "0.2", "2.5", "4"),
    "claude-sonnet-4-6": ("3", "15", "0.3", "3.75", "6"),
    "claude-sonnet-4-5": ("3", "15", "0.3", "3.75", "6"),
    "claude-haiku-4-5": ("1", "5", "0.1", "1.25", "2"),
    "claude-3-5-haiku-20241022": ("0.8", "4", "0.08", "1", "1.6"),
}
"""Dollars per million tokens by Claude Code: input, output, cache read, cache write for 5 minutes, for an hour."""


@pytest.mark.parametrize("model", MEASURED)
def test_price_agrees_with_what_claude_code_charges(model: str) -> None:
    kinds = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
    for kind, dollars in zip(kinds, MEASURED[model], strict=True):
        per_token = int(Decimal(dollars) * 1000)
        assert PRICES.price(model, Tokens(**{kind: 1_000}), TODAY) == per_token * 1_000, kind


def test_price_is_exact_to_the_nanodollar() -> None:
    tokens = Tokens(input=1_234, output=567, cache_read=89_012, cache_write_5m=345, cache_write_1h=67)
    # 1234 * 4000 + 567 * 20000 + 89012 * 200 + 345 * 5000 + 67 * 8000
    assert PRICES.price("claude-opus-5-5", tokens, TODAY) == 36_339_400
    # 1 token for 0.01 dollars per million
    assert PRICES.price("claude-haiku-5-5", Tokens(cache_read=1), TODAY) == 10


def test_dated_name_costs_what_the_model_costs() -> None:
    assert PRICES.price("claude-sonnet-4-5-20250929", Tokens(input=1), TODAY) == 3_000


def test_long_prompt_has_its_own_rate() -> None:
    assert PRICES.price("claude-haiku-5-5", Tokens(input=100_000), TODAY) == 100_000 * 100
    assert PRICES.price("claude-haiku-5-5", Tokens(input=100_001), TODAY) == 100_001 * 500
    # What was cached belongs to the prompt's length too.
    assert PRICES.price("claude-haiku-5-5", Tokens(input=1, cache_read=100_000), TODAY) == 500 + 100_000 * 50


@pytest.mark.parametrize(
    "model", ["", "claude-opus-99", "claude-opus-5-5-experimental", "gpt-4o", "opus", "<synthetic>"]
)
def test_unknown_model_is_unpriced(model: str) -> None:
    assert PRICES.price(model, Tokens(input=1_000_000)) is None
    assert PRICES.price(model, Tokens()) is None


def test_override_prices_an_unknown_model() -> None:
    rates = Rates.parse({"input": "1", "output": Decimal("2.5"), "cache_read": 0})
    prices = PriceList({"our-model": rates})
    assert prices.price("our-model", Tokens(input=3, output=2, cache_read=100)) == 3_000 + 5_000


def test_override_wins_over_the_package() -> None:
    prices = PriceList({"claude-opus-5-5": Rates.parse({"input": "100", "output": "200"})})
    assert prices.price("claude-opus-5-5", Tokens(input=1)) == 100_000


def test_tokens_without_a_rate_leave_the_call_unpriced() -> None:
    prices = PriceList({"our-model": Rates.parse({"input": "1", "output": "2"})})
    assert prices.price("our-model", Tokens(input=1, cache_write_1h=1)) is None


def test_fraction_of_a_nanodollar_is_rounded_once() -> None:
    prices = PriceList({"our-model": Rates.parse({"input": "0.0001", "output": "0"})})
    assert prices.price("our-model", Tokens(input=4)) == 0
    assert prices.price("our-model", Tokens(input=6)) == 1
    assert prices.price("our-model", Tokens(input=10_000)) == 1_000


@pytest.mark.parametrize(
    ("given_rates", "named"),
    [
        ({"input": "1"}, "output"),
        ({"output": "1"}, "input"),
        ({"input": "1", "output": "1", "cached": "1"}, "cached"),
        ({"input": "-1", "output": "1"}, "input"),
        ({"input": "1", "output": "NaN"}, "output"),
        ({"input": "cheap", "output": "1"}, "input"),
        ({"input": 0.1, "output": "1"}, "input"),
        ({"input": True, "output": "1"}, "input"),
    ],
)
def test_wrong_rate_is_named(given_rates: dict[str, str], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}: "):
        Rates.parse(given_rates)


counts = st.integers(min_value=0, max_value=10**9)
token_counts = st.builds(
    Tokens, input=counts, output=counts, cache_read=counts, cache_write_5m=counts, cache_write_1h=counts
)


@given(token_counts, token_counts)
def test_prices_of_calls_add_up(one: Tokens, other: Tokens) -> None:
    together = PRICES.price("claude-opus-5-5", one + other)
    apart = PRICES.price("claude-opus-5-5", one), PRICES.price("claude-opus-5-5", other)
    assert None not in apart
    assert together == sum(nanos or 0 for nanos in apart)
