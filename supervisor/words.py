"""The words that are commands by themselves when they are a whole message (protocol.md section 7)."""

from __future__ import annotations

import re
from enum import StrEnum


class Word(StrEnum):
    """A command word."""

    ABORT = "ABORT"
    """Interrupts the running turn and drops what is queued behind it."""
    MORE = "MORE"
    """The rest of the last answer."""
    STATUS = "STATUS"
    """The sender's sessions, in one text."""
    COST = "COST"
    """The sender's spending, in one text."""


CARRIER_WORDS = frozenset(
    "STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT START HELP INFO".split()  # the carriers', never ours
)


def parse(text: str) -> Word | None:
    """Return the command that a whole message is: any case, blanks around it and a final full stop ignored."""
    bare = re.sub(r"\.$", "", text.strip()).strip().upper()
    return Word(bare) if bare in Word.__members__ else None


def is_carrier_word(text: str) -> bool:
    """Return whether a whole message is a word that the carrier answers itself."""
    return text.strip().upper() in CARRIER_WORDS
