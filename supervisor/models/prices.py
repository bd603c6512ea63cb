"""Prices of model calls, in whole nanodollars. A model that the price list does not know has no price."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from supervisor.protocol.conversation import Tokens
from supervisor.protocol.values.record import field_names, record

PUBLISHED = "supervisor.models.published"
"""The module with the price list. It is loaded once it is needed, or in the background: it is large."""

NANOS_PER_TOKEN = 1000
"""The price of one token at one dollar per million tokens, in nanodollars."""


@record
class Rates:
    """Prices in US dollars per million tokens.

    Attributes:
        cache_read: price of tokens that are read from the cache; None = unknown.
        cache_write_5m: price of tokens that are cached for five minutes; None = unknown.
        cache_write_1h: price of tokens that are cached for one hour; None = unknown.

    A call with tokens of an unknown price has no price.
    """

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write_5m: Decimal | None = None
    cache_write_1h: Decimal | None = None

    @classmethod
    def parse(cls, given: Mapping[str, str | int | Decimal]) -> Rates:
        """Return the rates of a table of the configuration, e.g. `{"input": "2", "output": "10"}`.

        Raises:
            ValueError: a key or value is invalid; the message names the key and what it must be.
        """
        names = field_names(cls)
        unknown = sorted(given.keys() - set(names))
        if unknown:
            raise ValueError(f"{unknown[0]}: must be one of {', '.join(names)}")
        for name in ("input", "output"):
            if name not in given:
                raise ValueError(f"{name}: must be given, in dollars per million tokens")
        return cls(**{name: _dollars(name, value) for name, value in given.items()})


def _dollars(name: str, value: str | int | Decimal) -> Decimal:
    # A float is refused: 0.1 as a float is not exactly a tenth.
    if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        try:
            dollars = Decimal(value)
        except InvalidOperation:
            dollars = Decimal("NaN")
        if dollars.is_finite() and dollars >= 0:
            return dollars
    raise ValueError(f'{name}: must be dollars per million tokens, 0 or more, as text such as "2.50"')


class PriceList:
    """Prices of Anthropic's models from the installed genai-prices package; nothing is downloaded.

    Args:
        overrides: rates by exact model name; they replace the rates of the package.
    """

    def __init__(self, overrides: Mapping[str, Rates] | None = None) -> None:
        self._overrides = dict(overrides or {})

    def price(self, model: str, tokens: Tokens, at: datetime | None = None) -> int | None:
        """Return the price of one call in nanodollars; None = the price is not known.

        Args:
            tokens: the tokens of one call. Sums of several calls give wrong prices, as long prompts may cost more.
            at: time of the call; None = now.
        """
        prompt = tokens.input + tokens.cache_read + tokens.cache_write_5m + tokens.cache_write_1h
        rates = self._overrides.get(model) or _published(model, prompt, at or datetime.now(UTC))
        if rates is None:
            return None
        total = Decimal(0)
        for count, rate in (
            (tokens.input, rates.input),
            (tokens.output, rates.output),
            (tokens.cache_read, rates.cache_read),
            (tokens.cache_write_5m, rates.cache_write_5m),
            (tokens.cache_write_1h, rates.cache_write_1h),
        ):
            if rate is not None:
                total += count * rate
            elif count:
                return None
        return int((total * NANOS_PER_TOKEN).to_integral_value(ROUND_HALF_EVEN))

    def most(self, model: str, prompt_tokens: int, output_tokens: int) -> int | None:
        """Return the most that one call can cost, in nanodollars; None = the price is not known.

        It assumes the most expensive way to cache the prompt.
        """
        prompts = (
            Tokens(input=prompt_tokens, output=output_tokens),
            Tokens(cache_write_5m=prompt_tokens, output=output_tokens),
            Tokens(cache_write_1h=prompt_tokens, output=output_tokens),
        )
        plain, *cached = (self.price(model, tokens) for tokens in prompts)
        return None if plain is None else max(plain, *(nanos or 0 for nanos in cached))


def _published(model: str, prompt_tokens: int, at: datetime) -> Rates | None:
    rates: Rates | None = importlib.import_module(PUBLISHED).rates(model, prompt_tokens, at)
    return rates
