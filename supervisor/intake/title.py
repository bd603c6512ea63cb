"""The title of a chat, made from its first message."""

from __future__ import annotations

LONGEST = 60
"""Characters of a title that is made from a message."""


def title_of(text: str) -> str:
    """Return a short title for a chat that begins with a message: the beginning of it, on one line, in whole words."""
    title = ""
    for word in text.split(maxsplit=LONGEST):
        longer = f"{title} {word}".lstrip()
        if len(longer) > LONGEST:
            return f"{title or word[:LONGEST]}…"
        title = longer
    return title
