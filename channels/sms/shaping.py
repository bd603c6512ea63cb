"""One body of bounded price from a text of any length, and where the next one goes on."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from channels.sms.gsm7 import count_segments, utf16_units

MAX_CHARACTERS = 1600
"""The longest body that Twilio takes (error 21617)."""

MORE_NOTE = "\n\nReply MORE for the rest"
"""Ends a body that is not the whole text."""

EMPTY = "(no text)"
"""Stands in for a text of which nothing can be shown: Twilio refuses an empty body (error 21602)."""

_ZERO_WIDTH_JOINER = "\u200d"
_SENTENCE_END = re.compile(r"[.!?](?=\s)|\n")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What is sent.

    Attributes:
        text: the body, with its note where more exists.
        segments: how many segments it takes.
        next_offset: the character of the plain text at which the rest begins; None where nothing is left.
    """

    text: str
    segments: int
    next_offset: int | None


def shape(plain: str, *, max_segments: int, offset: int = 0) -> Body:
    """Cut one body out of a plain text.

    Args:
        plain: as `plain_text` returns it.
        max_segments: at least 1.
        offset: the character to begin with.
    """
    while offset < len(plain) and plain[offset].isspace():
        offset += 1
    # One character is at least one unit, so more than this can never fit.
    window = plain[offset : offset + MAX_CHARACTERS + 1]
    rest = window.rstrip() if offset + len(window) >= len(plain) else window
    if not rest:
        return Body(text=EMPTY, segments=1, next_offset=None)
    if _fits(rest, max_segments):
        return Body(text=rest, segments=count_segments(rest), next_offset=None)
    end = _good_end(rest, _longest(rest, max_segments))
    text = rest[:end].rstrip() + MORE_NOTE
    return Body(text=text, segments=count_segments(text), next_offset=offset + end)


def _fits(text: str, max_segments: int) -> bool:
    return utf16_units(text) <= MAX_CHARACTERS and count_segments(text) <= max_segments


def _longest(text: str, max_segments: int) -> int:
    """Return the length of the longest beginning that fits with the note; fitting is monotone, so halve."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if _fits(text[:middle] + MORE_NOTE, max_segments):
            low = middle
        else:
            high = middle - 1
    return low


def _good_end(text: str, most: int) -> int:
    """Return where to cut at or before `most`: after a paragraph, a sentence, a word, else between characters."""
    least = most // 2
    paragraph = text.rfind("\n\n", least, most + 2)
    if paragraph > 0:
        return paragraph
    sentences = [match.end() for match in _SENTENCE_END.finditer(text, least, most + 1) if match.end() <= most]
    if sentences:
        return sentences[-1]
    words = [match.start() for match in _SPACE.finditer(text, least, most + 1) if 0 < match.start() <= most]
    if words:
        return words[-1]
    end = most
    while end > 1 and _joins(text[end - 1], text[end : end + 1]):
        end -= 1
    # A pile of joined characters longer than the body is cut all the same: every body must carry something.
    return end if end > least else most


def _joins(before: str, after: str) -> bool:
    """Return whether two characters are drawn as one."""
    return _ZERO_WIDTH_JOINER in (before, after) or (after != "" and unicodedata.category(after) in ("Mn", "Me", "Sk"))
