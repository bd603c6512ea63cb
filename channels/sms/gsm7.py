"""How many segments a text takes: GSM-7 septets where its alphabet suffices, else UTF-16 units (3GPP TS 23.038)."""

from __future__ import annotations

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The basic character set: one septet each."""

EXTENSION = frozenset("\f^{}\\[~]|€")
"""The extension table: an escape and a character, two septets that stay in one segment."""

ALPHABET = BASIC | EXTENSION

GSM7_ALONE, GSM7_JOINED = 160, 153
"""Septets of a message that is one segment, and of each segment of a longer one (its header takes the rest)."""

UCS2_ALONE, UCS2_JOINED = 70, 67
"""UTF-16 units of the same."""


def is_gsm7(text: str) -> bool:
    """Return whether the GSM-7 alphabet holds every character."""
    return ALPHABET.issuperset(text)


def utf16_units(text: str) -> int:
    """Return the length as phones and Twilio count it: a character outside the basic plane is two."""
    return len(text) + sum(character > "\uffff" for character in text)


def count_segments(text: str) -> int:
    """Return how many segments the text takes, at least 1; a pair (escape, surrogate) is never split between two."""
    if is_gsm7(text):
        costs = [2 if character in EXTENSION else 1 for character in text]
        alone, joined = GSM7_ALONE, GSM7_JOINED
    else:
        costs = [2 if character > "\uffff" else 1 for character in text]
        alone, joined = UCS2_ALONE, UCS2_JOINED
    if sum(costs) <= alone:
        return 1
    segments, used = 1, 0
    for cost in costs:
        if used + cost > joined:
            segments, used = segments + 1, 0
        used += cost
    return segments
