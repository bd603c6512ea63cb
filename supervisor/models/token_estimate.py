"""Estimates how many tokens a text has, where the Messages API reports no count."""

from __future__ import annotations

CHARACTERS_PER_TOKEN = 4
"""A rule of thumb for English text; precise enough for the costs that a limit or a demo shows."""


def estimate_tokens(characters: int) -> int:
    """Return the estimated number of tokens of a text of that many characters; at least 1."""
    return max(1, -(-characters // CHARACTERS_PER_TOKEN))
