"""What may still be spent: the arithmetic of limits, reservations and alerts, in nanodollars, without I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from supervisor.config import BudgetConfig
from supervisor.protocol.errors import BudgetExceeded
from supervisor.protocol.times import nanos, usd

LEVELS = (50, 80, 100)
"""Percent of a limit at which somebody is told."""

MOST_TIMES = 10
"""A limit is raised to at most so many times what config.toml says."""

OFFERED_DOLLARS = 5
"""What the administrators are offered to raise a limit by, where its bound lets them."""


class Scope(StrEnum):
    """What a limit is a limit of."""

    MESSAGE = "message"
    SESSION = "session"
    USER = "user"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How one limit stands.

    Attributes:
        id: of the message, session or user.
        day: UTC day since 1970; 0 for a message or session.
        limit: nanodollars, with what was added.
        spent: nanodollars of everything but the turns that hold something.
        held: nanodollars that running turns hold, but for the turn that is asked about: `holding` of each.
    """

    scope: Scope
    id: str
    limit: int
    day: int = 0
    spent: int = 0
    held: int = 0

    def exceeded(self) -> BudgetExceeded:
        """Return the error of this limit; what others hold counts as spent."""
        return BudgetExceeded(self.scope, usd(self.spent + self.held), usd(self.limit), self.day)


def configured(limits: BudgetConfig | None, scope: str) -> int | None:
    """Return a limit as it stands in config.toml, in nanodollars; None = there is none."""
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
    """Return what a running turn holds: its reservation, or what it has used where that is more."""
    return max(reserved, used)


def reservation(reserve: int, message_limit: int | None) -> int:
    """Return what a turn sets aside: never more than it may spend, else a small limit would refuse every turn."""
    return reserve if message_limit is None else min(reserve, message_limit)


def refuse_turn(accounts: Iterable[Account], reserved: int) -> BudgetExceeded | None:
    """Return why a turn that sets this much aside may not start, or None where it may."""
    for account in accounts:
        if account.spent + account.held + reserved > account.limit:
            return account.exceeded()
    return None


def refuse_call(accounts: Iterable[Account], used: int) -> BudgetExceeded | None:
    """Return why a running turn that has used this much may make no more calls, or None where it may.

    What a call costs is known only afterwards: each turn can pass a limit by the calls that it has under way.
    """
    for account in accounts:
        spent = account.spent + account.held + used
        if spent >= account.limit:
            return BudgetExceeded(account.scope, usd(spent), usd(account.limit), account.day)
    return None


def most_added(limit: int) -> int:
    """Return the nanodollars that may be added in all to a limit of so many."""
    return (MOST_TIMES - 1) * limit


def offer(limit: int) -> str:
    """Return the dollars by which somebody is offered to raise a limit of so many nanodollars, as ADD takes them."""
    if nanos(OFFERED_DOLLARS) <= most_added(limit):
        return str(OFFERED_DOLLARS)
    return f"{max(usd(limit), 0.01):.2f}"
