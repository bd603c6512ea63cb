"""The `BudgetStore` port: amounts spent and held under limits, amounts added to limits, and alerts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.values.record import record
from supervisor.store.records.outbox import OutboxDraft

T = TypeVar("T")


@record
class Spent:
    """How far one limit is used up.

    Attributes:
        scope: "message", "session", "user" or "system".
        key: the id of the session or user; of a message the number of its turn, as text; empty for the system.
        day: the UTC day since 1970; 0 for a message or session.
        nanos: nanodollars posted to the ledger.
        held: nanodollars held by the running turns other than the one in question: the reservation of each, or what
            it has used if that is more. Of a message: what the tasks have used that its turn gave Claude Code.
        used: nanodollars that all turns which have not ended have used so far, the one in question included; they are
            not posted yet. Of a message: those of its own turn.
        raised: nanodollars added to the limit.
        told: the highest level of an alert so far, in percent; 0 = none.
    """

    scope: str
    key: str
    day: int
    nanos: int
    held: int
    used: int
    raised: int
    told: int


@record
class Reached:
    """Levels of a limit that were reached. People are alerted of the highest one, if that was not done before.

    Attributes:
        limit: nanodollars, with the amounts added to it.
        levels: in percent, ascending; all are recorded as told.
        recipients: the users who are alerted.
        drafts: makes the alert of a user from the code that the user gets; an empty code = none.
        coded: the users who get a code.
        until_ms: when the codes expire.
    """

    spent: Spent
    limit: int
    levels: Sequence[int]
    recipients: Sequence[UserId]
    drafts: Callable[[UserId, str], Sequence[OutboxDraft]]
    coded: frozenset[UserId]
    until_ms: int


def reference(scope: str, day: int, key: str) -> str:
    """Return the `ref` of a code that stands for a limit."""
    return f"{scope}/{day}/{key}"


class BudgetStore(Protocol):
    """Sums under limits; a check and the reservation that follows are one transaction."""

    async def standing(
        self, turn_id: int | None, user_id: UserId | None, session_id: SessionId | None, *, now_ms: int
    ) -> tuple[list[Spent], int]:
        """Return how far the limits of a turn are used up, and the nanodollars that the turn itself has used.

        Args:
            turn_id: None = leave out the limit of the message.
            user_id, session_id: None = leave out the limit of the user, or of the session.
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
        """Reserve nanodollars for a running turn, unless `check` objects; return the objection, None = reserved."""

    async def told(self, reached: Sequence[Reached], *, now_ms: int) -> list[Reached]:
        """Record levels and write an alert of the highest of each limit; return those that were not told before."""
