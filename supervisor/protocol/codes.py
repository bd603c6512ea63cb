"""Codes with which users name one approval, turn or budget in a text message (docs/usage.md)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum

from supervisor.protocol.messages import UserId

ALPHABET = "BCDFGHJKMNPQRSTVWXZ"
"""Consonants that are not mistaken for each other; without vowels they form no words."""

LENGTH = 5
"""Letters of a code."""

CODE = f"[{ALPHABET}]{{{LENGTH}}}"
"""Regular expression of a code in upper case."""


class CodeKind(StrEnum):
    """The kind of thing that a code names, with its command words."""

    APPROVAL = "approval"
    """A tool call that waits for a person: YES, NO."""
    TURN = "turn"
    """A turn that was interrupted: CONTINUE, RETRY, DROP."""
    UNDO = "undo"
    """A turn whose file changes can be rolled back: UNDO."""
    BUDGET = "budget"
    """A budget that is exceeded or nearly exceeded: ADD."""
    HELD = "held"
    """A message that does not run by itself: YES, NO."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code that was sent to a user.

    Attributes:
        code: the letters.
        ref: the id of the approval, turn or budget.
        user_id: the user who received the code.
        until_ms: when the code expires, in milliseconds since 1970 UTC.
        closed_ms: when the code was used or withdrawn, in milliseconds since 1970 UTC; None = it is open.
    """

    code: str
    kind: CodeKind
    ref: str
    user_id: UserId
    until_ms: int
    closed_ms: int | None

    def is_open(self, now_ms: int) -> bool:
        """Return whether the code can still be used."""
        return self.closed_ms is None and now_ms < self.until_ms


def random_code() -> str:
    """Return a random code.

    There are only 2.4 million codes, so the caller also checks that the user may use the code.
    """
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
