"""How much is sent at once: a frame or a page stays below 1 MiB, the longest that clients take by default."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
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


def fitting_line(text: str, event: Mapping[str, Any] | None) -> str:
    """Return a line of a program's output that fits a frame.

    Args:
        text: the line.
        event: its JSON object, whose long strings are cut (`truncated: true` says so); None = it is none.
    """
    if len(text) * MOST_ESCAPED <= PAGE_BYTES or len(text.encode("utf-8", "surrogatepass")) <= PAGE_BYTES:
        return text
    if event is None:
        return fitting(text)
    for most in (TEXT_BYTES, TEXT_BYTES // 16, TEXT_BYTES // 256):
        shorter = {**_shortened(event, most), "truncated": True}
        if size_of(shorter) <= PAGE_BYTES:
            return json.dumps(shorter, ensure_ascii=False)
    scalars = {name: value for name, value in event.items() if not isinstance(value, dict | list)}
    return json.dumps({**_shortened(scalars, TEXT_BYTES // 256), "truncated": True}, ensure_ascii=False)


def _shortened(value: Any, most: int) -> Any:
    """Return a JSON value whose strings are at most so many bytes long."""
    if isinstance(value, str):
        return fitting(value, most=most, escaped=most)
    if isinstance(value, dict):
        return {name: _shortened(inner, most) for name, inner in value.items()}
    return [_shortened(inner, most) for inner in value] if isinstance(value, list) else value


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
