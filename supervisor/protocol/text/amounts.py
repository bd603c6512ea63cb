"""Numbers and money as people read them; every text and mail uses these functions."""

from __future__ import annotations

from supervisor.protocol.times import NANOS

CENT = NANOS // 100
"""One cent, in nanodollars."""


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: "1 message", "2 messages".

    Args:
        noun: the singular; the plural adds an s. Another plural follows a bar: "reply|replies".
    """
    one, _, many = noun.partition("|")
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def money(nanos: int) -> str:
    """Return an amount in US dollars with two decimals.

    An amount that is not zero is never shown as zero: below half a cent it is "less than $0.01".

    Args:
        nanos: nanodollars.
    """
    cents = round(nanos / CENT)
    if nanos > 0 and not cents:
        return "less than $0.01"
    return f"${cents / 100:,.2f}"
