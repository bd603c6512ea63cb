"""Texts from outside, as they can be stored and sent on."""

from __future__ import annotations


def well_formed(text: str) -> str:
    """Return a text that UTF-8 can hold: half a surrogate pair, legal in JSON, becomes the replacement character."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
