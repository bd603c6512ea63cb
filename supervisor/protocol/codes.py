"""Codes by which people name one exact thing in a text message (protocol.md section 7)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum

from supervisor.protocol.messages import UserId

ALPHABET = "BCDFGHJKMNPQRSTVWXZ"
"""Letters that are not taken for others, and of which no word can be made."""

LENGTH = 5

CODE = f"[{ALPHABET}]{{{LENGTH}}}"
"""A regular expression for a code, in upper case."""


class CodeKind(StrEnum):
    """What a code stands for."""

    APPROVAL = "approval"
    """A tool call that waits for a person: YES, NO."""
    TURN = "turn"
    """A turn that was interrupted: CONTINUE, RETRY, DROP."""
    UNDO = "undo"
    """A turn whose changes can be rolled back: UNDO."""
    BUDGET = "budget"
    """A limit that was reached, or nearly: ADD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code that was told to somebody.

    Attributes:
        ref: the id of what it stands for.
        user_id: who was told.
        until_ms: when it stops to count.
        closed_ms: when it was used or withdrawn; None = it is open.
    """

    code: str
    kind: CodeKind
    ref: str
    user_id: UserId
    until_ms: int
    closed_ms: int | None

    def is_open(self, now_ms: int) -> bool:
        """Return whether it still counts."""
        return self.closed_ms is None and now_ms < self.until_ms


def random_code() -> str:
    """Return a new code: 2.4 million of them, and whoever may use one is checked besides."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
