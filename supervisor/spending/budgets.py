"""The limits of `[budgets]`, compared with what the store has recorded as spent and held."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.config import BudgetConfig
from supervisor.protocol.errors import BudgetExceeded
from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.times import Clock, nanos
from supervisor.protocol.values.record import record
from supervisor.spending.limits import Account, Scope, configured, refuse_call, refuse_turn, reservation
from supervisor.store.ports.budgets import BudgetStore, Spent
from supervisor.store.records.turn import Turn


class Budgets:
    """Says whether a turn may start, and whether a running turn may make another call.

    Args:
        limits: `[budgets]`; None = there are no limits.
        clock: milliseconds UTC.
    """

    def __init__(self, store: BudgetStore, limits: BudgetConfig | None, clock: Clock) -> None:
        self._store = store
        self._limits = limits
        self._clock = clock

    async def reserve(self, turn: Turn) -> BudgetExceeded | None:
        """Reserve what a turn may need; return why it may not start, or None where it may.

        Raises:
            StorageError: nothing was reserved, so the turn must not start.
        """
        if self._limits is None:
            return None
        amount = self._reservation(self._limits)

        def check(standing: Sequence[Spent]) -> BudgetExceeded | None:
            return refuse_turn(self._accounts(standing), amount)

        return await self._store.reserve(turn.id, turn.user_id, turn.session_id, amount, check, now_ms=self._clock())

    async def refusal(
        self, turn_id: int | None, user_id: UserId, session_id: SessionId | None, under_way: int
    ) -> BudgetExceeded | None:
        """Return why no further call may be made, or None where it may.

        Args:
            turn_id: the running turn; None = the call belongs to no turn.
            under_way: the most nanodollars that calls may cost which have not ended.
        """
        if self._limits is None:
            return None
        standing, used = await self._store.standing(turn_id, user_id, session_id, now_ms=self._clock())
        accounts = self._accounts(standing)
        if (most := configured(self._limits, Scope.MESSAGE)) is not None and turn_id is not None:
            others = next((one.held for one in standing if one.scope == Scope.MESSAGE), 0)
            accounts.insert(0, Account(scope=Scope.MESSAGE, id=str(turn_id), limit=most, held=others))
        return refuse_call(accounts, used + under_way)

    async def standing(self, user_id: UserId | None, session_id: SessionId | None) -> list[Account]:
        """Return the limits of a user, of a session (None = leave them out) and of the system, and what is spent."""
        if self._limits is None:
            return []
        found, _ = await self._store.standing(None, user_id, session_id, now_ms=self._clock())
        return self._accounts(found)

    async def used_up(self, user_id: UserId | None, session_id: SessionId | None) -> list[Account]:
        """Return the limits of a user, of a session (None = leave them out) and of the system that permit no turn.

        What running turns hold is left out: it is free again when they end.
        """
        if self._limits is None:
            return []
        amount = self._reservation(self._limits)
        standing = await self.standing(user_id, session_id)
        return [account for account in standing if account.spent + amount > account.limit]

    @staticmethod
    def _reservation(limits: BudgetConfig) -> int:
        """Return the nanodollars that a turn reserves."""
        return reservation(nanos(limits.reserve_usd), configured(limits, Scope.MESSAGE))

    def limit(self, scope: str) -> int | None:
        """Return a limit that ADD can raise, in nanodollars as configured; None = there is none."""
        return configured(self._limits, scope) if scope != Scope.MESSAGE else None

    def _accounts(self, standing: Sequence[Spent]) -> list[Account]:
        return [
            Account(
                scope=Scope(spent.scope),
                id=spent.key,
                limit=limit + spent.raised,
                day=spent.day,
                spent=spent.nanos,
                held=spent.held,
            )
            for spent in standing
            if (limit := self.limit(spent.scope)) is not None
        ]


@record
class SessionBudget:
    """The limits as the meter of one session asks for them: implements `meter.SpendingLimit`.

    Attributes:
        session_id: None = a thread with the assistant.
    """

    budgets: Budgets
    session_id: SessionId | None

    async def refusal(self, turn_id: int | None, user_id: UserId, under_way: int) -> BudgetExceeded | None:
        """Return why no further call may be made, or None where it may; arguments as in `Budgets.refusal`."""
        return await self.budgets.refusal(turn_id, user_id, self.session_id, under_way)
