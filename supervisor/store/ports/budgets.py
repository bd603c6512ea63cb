"""The `BudgetStore` port: what was spent and is held under each limit, what was added to limits, who was told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from supervisor.protocol.messages import SessionId, UserId
from supervisor.store.records.outbox import OutboxDraft

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """How far one limit is used up.

    Attributes:
        scope: "message", "session", "user" or "system".
        key: the session's or user's id; of a message its turn's, as text; empty for the system.
        day: UTC day since 1970; 0 for a message or session.
        nanos: posted to the ledger.
        held: by running turns but the one that is asked about: what each set aside, or has used where that is more.
        used: by all turns that have not ended, that one too: their calls so far, which are not posted yet.
            A message's is that of its own turn.
        raised: what was added to the limit.
        told: the highest level that people were told of, in percent; 0 = none.
    """

    scope: str
    key: str
    day: int
    nanos: int
    held: int
    used: int
    raised: int
    told: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Levels of a limit that were reached; where the highest was not told before, that one is.

    Attributes:
        limit: nanodollars, with what was added.
        levels: percent, ascending; all count as told.
        drafts: what tells somebody, by the code that they get; empty = they get none.
        coded: who gets a code.
        until_ms: when the codes stop to count.
    """

    spent: Spent
    limit: int
    levels: Sequence[int]
    recipients: Sequence[UserId]
    drafts: Callable[[UserId, str], Sequence[OutboxDraft]]
    coded: frozenset[UserId]
    until_ms: int


def reference(scope: str, day: int, key: str) -> str:
    """Return the name under which a code stands for a limit."""
    return f"{scope}/{day}/{key}"


class BudgetStore(Protocol):
    """Sums under limits; a check and what follows from it are one transaction."""

    async def standing(
        self, turn_id: int | None, user_id: UserId | None, session_id: SessionId | None, *, now_ms: int
    ) -> tuple[list[Spent], int]:
        """Return how far the limits are used up that concern a turn, and what the turn itself has used.

        Args:
            turn_id: None = of no turn, and no message.
            user_id, session_id: None = those of no user, or no session, are left out.
        """

    async def reserve(
        self,
        turn_id: int,
        user_id: UserId,
        session_id: SessionId | None,
        nanos: int,
        check: Callable[[Sequence[Spent]], T | None],
        *,
        now_ms: int,
    ) -> T | None:
        """Set something aside for a running turn where `check` has no objection; return the objection."""

    async def told(self, reached: Sequence[Reached], *, now_ms: int) -> list[Reached]:
        """Record levels and tell people of the highest of each limit; return those that were not told before."""
