"""Counts the segments of a text message (3GPP TS 23.038 and 23.040).

A text is encoded in GSM-7 if this alphabet has all its characters, otherwise in UCS-2. See also
https://www.twilio.com/docs/glossary/what-is-gsm-7-character-encoding
"""

from __future__ import annotations

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The basic character set: one septet per character."""

EXTENSION = frozenset("\f^{}\\[~]|€")
"""The extension table: two septets per character, which stay in one segment."""

ALPHABET = BASIC | EXTENSION
"""All characters of GSM-7."""

GSM7_ALONE, GSM7_JOINED = 160, 153
"""Septets of a single segment, and of each of several segments, which have a header."""

UCS2_ALONE, UCS2_JOINED = 70, 67
"""UTF-16 code units of a single segment, and of each of several segments."""


def is_gsm7(text: str) -> bool:
    """Return whether GSM-7 has all characters of the text."""
    return ALPHABET.issuperset(text)


def utf16_units(text: str) -> int:
    """Return the length of the text in UTF-16 code units, as phones and Twilio count it."""
    return len(text) + sum(character > "\uffff" for character in text)


def count_segments(text: str) -> int:
    """Return the number of segments of the text, at least 1. A character of two units is never split."""
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
