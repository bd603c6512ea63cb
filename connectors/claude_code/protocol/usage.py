"""The tokens and the cost of a turn, as Claude Code reports them. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal, DecimalException
from typing import Any

from connectors.claude_code.protocol.frames import mapping
from supervisor.protocol.conversation import Tokens, UsageReported

NANOS_PER_DOLLAR = Decimal(10) ** 9
MOST = 10**15
"""Largest count and largest cost (a million dollars, in nanodollars); other values are ignored."""


def read_usage(body: Mapping[str, Any]) -> list[UsageReported]:
    """Return the usage since the last result, by model: no other figure is right after a resume or a kill."""
    reports = []
    for model, entry in mapping(body, "model_usage_since_last_result").items():
        if not isinstance(entry, dict):
            continue
        written_1h = _count(entry, "cacheCreationEphemeral1hInputTokens")
        tokens = Tokens(
            input=_count(entry, "inputTokens"),
            output=_count(entry, "outputTokens"),
            cache_read=_count(entry, "cacheReadInputTokens"),
            cache_write_5m=max(_count(entry, "cacheCreationInputTokens") - written_1h, 0),
            cache_write_1h=written_1h,
        )
        reports.append(UsageReported(model=str(model), tokens=tokens, provider_nanos=_nanos(entry)))
    return reports


def _count(entry: Mapping[str, Any], key: str) -> int:
    value = entry.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST else 0


def _nanos(entry: Mapping[str, Any]) -> int | None:
    """Return `costUSD` in nanodollars; None where it is not valid, or where Claude Code has only guessed the price."""
    if entry.get("costBasis") == "unknown":
        return None
    try:
        nanos = (Decimal(str(entry.get("costUSD"))) * NANOS_PER_DOLLAR).to_integral_value(ROUND_HALF_EVEN)
        return int(nanos) if 0 <= nanos <= MOST else None
    except DecimalException:
        return None
