"""Cuts one body of bounded price out of a text of any length, and returns where the next body starts."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from channels.sms.body.gsm7 import count_segments, utf16_units
from channels.sms.sentences import MORE

MAX_CHARACTERS = 1600
"""The longest body that Twilio accepts, in UTF-16 code units (error 21617)."""

TRIAL_PREFIX = "Sent from your Twilio trial account - "
"""Twilio puts this text before the body of every message of a trial account."""

MORE_NOTE = f"\n\n{MORE()}"
"""The end of a body that is not the last one."""

EMPTY = "(no text)"
"""The body of an empty text: Twilio refuses an empty body (error 21602)."""

_ZERO_WIDTH_JOINER = "\u200d"
_SENTENCE_END = re.compile(r"[.!?](?=\s)|\n")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The body of one text message.

    Attributes:
        text: the text, with `MORE_NOTE` if it is not the last body.
        segments: the number of its segments.
        next_offset: the index of the plain text at which the next body starts; None = this is the last body.
    """

    text: str
    segments: int
    next_offset: int | None


def shape(plain: str, *, max_segments: int, offset: int = 0) -> Body:
    """Return the body that starts at an offset of a plain text.

    Args:
        plain: a result of `plain.plain_text`.
        max_segments: the most segments of the body; at least 1.
        offset: the index of its first character.
    """
    while offset < len(plain) and plain[offset].isspace():
        offset += 1
    # A character has at least one code unit, so no more characters than this can fit.
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
    """Return the length of the longest beginning that fits with the note, by binary search."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if _fits(text[:middle] + MORE_NOTE, max_segments):
            low = middle
        else:
            high = middle - 1
    return low


def _good_end(text: str, most: int) -> int:
    """Return where to cut, at most at `most`: after a paragraph, a sentence or a word, or else between characters."""
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
    # A run of joined characters that is longer than the body is cut anyway, as every body must have some text.
    return end if end > least else most


def _joins(before: str, after: str) -> bool:
    """Return whether two characters are displayed as one."""
    return _ZERO_WIDTH_JOINER in (before, after) or (after != "" and unicodedata.category(after) in ("Mn", "Me", "Sk"))
