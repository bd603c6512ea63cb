"""How much is sent at once: a frame or a page stays below 1 MiB, the longest that clients take by default."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

FRAME_BYTES = 1_048_576
"""The longest frame, in bytes: the default limit of WebSocket clients."""

PAGE_BYTES = 1_000_000
"""The items of a page together, in bytes of JSON."""

TEXT_BYTES = 524_288
"""The longest text of a message, in bytes of UTF-8."""

ESCAPED_BYTES = 700_000
"""The same in bytes of JSON, where a line feed takes two and a control character six."""

CONTEXT_BYTES = 250_000
"""The longest context of a message, in bytes of JSON."""

MOST_ESCAPED = 6
"""The most bytes that JSON takes for a character of the Basic Multilingual Plane; others take fewer."""


def size_of(value: Any) -> int:
    """Return the size of a value as JSON, in bytes of UTF-8."""
    return len(json.dumps(value, ensure_ascii=False, default=dict).encode("utf-8", "surrogatepass"))


def beginning(text: str, most: int) -> str:
    """Return the beginning of a text that is at most so many bytes long in UTF-8."""
    if len(text) * 4 <= most:
        return text
    encoded = text.encode("utf-8", "surrogatepass")
    if len(encoded) <= most:
        return text
    while most > 0 and encoded[most] & 0b1100_0000 == 0b1000_0000:  # inside a character
        most -= 1
    return encoded[:most].decode("utf-8", "surrogatepass")


def fitting(text: str, *, most: int = TEXT_BYTES, escaped: int = ESCAPED_BYTES) -> str:
    """Return a text, or its beginning where it is too long to be sent.

    Args:
        most: in bytes of UTF-8.
        escaped: in bytes of JSON.
    """
    text = beginning(text, most)
    if len(text) * MOST_ESCAPED <= escaped or size_of(text) <= escaped:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size_of(text[:middle]) <= escaped else (low, middle - 1)
    return text[:low]


def count_fitting(sizes: Iterable[int], most: int = PAGE_BYTES) -> int:
    """Return how many items, from the first one on, fit a page; at least one."""
    count = total = 0
    for size in sizes:
        total += size
        if count and total > most:
            break
        count += 1
    return count


def page(items: Sequence[T], fields: Iterable[Any]) -> Sequence[T]:
    """Return the first items of a page, as many as fit.

    Args:
        fields: the items as JSON has them, in the same order.
    """
    return items[: count_fitting(map(size_of, fields))]
