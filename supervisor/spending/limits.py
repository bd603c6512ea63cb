"""The arithmetic of limits and reservations, in nanodollars and without I/O."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from supervisor.config import BudgetConfig
from supervisor.protocol.errors import BudgetExceeded
from supervisor.protocol.times import nanos, usd
from supervisor.protocol.values.record import record

LEVELS = (50, 80, 100)
"""Percentages of a limit at which people are told."""

MOST_TIMES = 10
"""A limit can be raised to at most so many times its configured value."""

OFFERED_DOLLARS = 5
"""By how many dollars administrators are offered to raise a limit, where `MOST_TIMES` permits it."""


class Scope(StrEnum):
    """What a limit applies to."""

    MESSAGE = "message"
    SESSION = "session"
    USER = "user"
    SYSTEM = "system"


@record
class Account:
    """One limit, and how much of it is spent and held.

    Attributes:
        id: of the message, session or user; empty for the system.
        day: days since 1970-01-01 in UTC, for a limit of a day; 0 for a limit of a message or session.
        limit: nanodollars, including what was added with ADD.
        spent: nanodollars of turns that have ended.
        held: nanodollars that the other running turns hold: the sum of their `holding`.
    """

    scope: Scope
    id: str
    limit: int
    day: int = 0
    spent: int = 0
    held: int = 0

    def exceeded(self, *, used: int = 0, reserved: int = 0) -> BudgetExceeded:
        """Return the error that says this limit is used up.

        Args:
            used: nanodollars of the refused turn so far.
            reserved: nanodollars that were to be set aside for it.
        """
        spent = self.spent + used
        held = self.held + reserved if spent < self.limit else 0
        return BudgetExceeded(self.scope, usd(spent), usd(self.limit), self.day, held_usd=usd(held))


def configured(limits: BudgetConfig | None, scope: str) -> int | None:
    """Return the configured limit of a scope in nanodollars; None = there is none."""
    if limits is None:
        return None
    dollars = {
        Scope.MESSAGE: limits.message_usd,
        Scope.SESSION: limits.session_usd,
        Scope.USER: limits.user_daily_usd,
        Scope.SYSTEM: limits.system_daily_usd,
    }[Scope(scope)]
    return nanos(dollars) if dollars is not None else None


def holding(reserved: int, used: int) -> int:
    """Return the nanodollars that a running turn holds: its reservation, or what it has used if that is more."""
    return max(reserved, used)


def reservation(reserve: int, message_limit: int | None) -> int:
    """Return the nanodollars that a turn reserves: at most its own limit, so that a small limit permits turns."""
    return reserve if message_limit is None else min(reserve, message_limit)


def refuse_turn(accounts: Iterable[Account], reserved: int) -> BudgetExceeded | None:
    """Return why a turn that reserves `reserved` nanodollars may not start, or None where it may."""
    for account in accounts:
        if account.spent + account.held + reserved > account.limit:
            return account.exceeded(reserved=reserved)
    return None


def refuse_call(accounts: Iterable[Account], used: int) -> BudgetExceeded | None:
    """Return why a running turn that has used `used` nanodollars may make no more calls, or None where it may.

    The cost of a call is known only at its end, so a turn can exceed a limit by the cost of its open calls.
    """
    for account in accounts:
        if account.spent + account.held + used >= account.limit:
            return account.exceeded(used=used)
    return None


def most_added(limit: int) -> int:
    """Return the most nanodollars that may be added in all to a limit of `limit` nanodollars."""
    return (MOST_TIMES - 1) * limit


def offer(limit: int) -> str:
    """Return by how many dollars a limit of `limit` nanodollars is offered to be raised, as text for the word ADD."""
    if nanos(OFFERED_DOLLARS) <= most_added(limit):
        return str(OFFERED_DOLLARS)
    return f"{max(usd(limit), 0.01):.2f}"
