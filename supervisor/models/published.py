"""The price list of the installed genai-prices package; nothing is downloaded."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from genai_prices.data import providers
from genai_prices.data_snapshot import DataSnapshot
from genai_prices.types import ModelPrice, TieredPrices

from supervisor.models.prices import Rates

PROVIDER = "anthropic"

_SNAPSHOT = DataSnapshot(providers=providers, from_auto_update=False)


def rates(model: str, prompt_tokens: int, at: datetime) -> Rates | None:
    """Return the rates of one call of a model; None = the list does not have the model.

    Args:
        prompt_tokens: all tokens of the prompt, cached ones too; long prompts may cost more.
        at: time of the call.
    """
    try:
        _, found = _SNAPSHOT.find_provider_model(model, None, PROVIDER, None)
    except LookupError:
        return None
    prices = found.get_prices(at)
    cache_write = _rate(prices, "cache_write_mtok", prompt_tokens)
    five_minutes = _rate(prices, "cache_write_5m_mtok", prompt_tokens)
    read, written = (_rate(prices, f"{side}_mtok", prompt_tokens) for side in ("input", "output"))
    if read is None or written is None:
        return None
    return Rates(
        input=read,
        output=written,
        cache_read=_rate(prices, "cache_read_mtok", prompt_tokens),
        cache_write_5m=cache_write if five_minutes is None else five_minutes,
        cache_write_1h=_rate(prices, "cache_write_1h_mtok", prompt_tokens),
    )


def _rate(prices: ModelPrice, key: str, prompt_tokens: int) -> Decimal | None:
    price: Decimal | TieredPrices | None = getattr(prices, key)
    if isinstance(price, TieredPrices):
        reached = [tier.price for tier in price.tiers if prompt_tokens > tier.start]
        return reached[-1] if reached else price.base
    return price
