"""The facade of spending: reservations before a turn, meters during it, alerts at its end."""

from __future__ import annotations

from supervisor.config import BudgetConfig
from supervisor.delivery.hub import Hub
from supervisor.people.identity import Directory
from supervisor.protocol.errors import BudgetExceeded
from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.times import Clock, now_ms
from supervisor.spending.alerts import Alerts
from supervisor.spending.budgets import Budgets, SessionBudget
from supervisor.spending.limits import Account
from supervisor.spending.meter import SessionMeter
from supervisor.spending.notices import BudgetNotices
from supervisor.store.ports.budgets import BudgetStore
from supervisor.store.ports.keys import CodeStore
from supervisor.store.ports.ledger import LedgerStore
from supervisor.store.ports.outbox import OutboxStore
from supervisor.store.records.outcome import Outcome
from supervisor.store.records.turn import Turn


class Spending:
    """What may still be spent, and who is told. Without `[budgets]` nothing is limited.

    Args:
        ledger: None = costs are not recorded, and there are no limits.
        limits: `[budgets]`, or None.
        clock: milliseconds UTC.
    """

    def __init__(
        self,
        *,
        budgets: BudgetStore,
        codes: CodeStore,
        outbox: OutboxStore,
        ledger: LedgerStore | None,
        limits: BudgetConfig | None,
        directory: Directory,
        hub: Hub,
        clock: Clock = now_ms,
    ) -> None:
        self._budgets = Budgets(budgets, limits, clock)
        self._notices = BudgetNotices(directory=directory, hub=hub, clock=clock)
        self._alerts: Alerts | None = None
        if limits is not None:
            self._alerts = Alerts(
                budgets=budgets,
                codes=codes,
                outbox=outbox,
                limits=limits,
                notices=self._notices,
                clock=clock,
            )
        self._ledger = ledger
        self._is_limited = limits is not None
        self._clock = clock

    def meter(self, lane: str, user_id: UserId, session_id: SessionId | None) -> SessionMeter:
        """Return a new meter for a session, or for a thread with the assistant."""
        limit = SessionBudget(budgets=self._budgets, session_id=session_id) if self._is_limited else None
        return SessionMeter(lane, user_id, self._ledger, self._clock, limit=limit)

    async def reserve(self, turn: Turn) -> BudgetExceeded | None:
        """Reserve what a turn may need; return why it may not start, or None where it may.

        Raises:
            StorageError: nothing was reserved, so the turn must not start.
        """
        return await self._budgets.reserve(turn)

    async def refusal(
        self, turn_id: int | None, user_id: UserId, session_id: SessionId | None, under_way: int
    ) -> BudgetExceeded | None:
        """Return why a running turn may make no further call, or None where it may.

        Args:
            under_way: the most nanodollars that calls may cost which have not ended.
        """
        return await self._budgets.refusal(turn_id, user_id, session_id, under_way)

    async def standing(self, user_id: UserId | None, session_id: SessionId | None) -> list[Account]:
        """Return the limits of a user, of a session (None = leave them out) and of the system, and what is spent."""
        return await self._budgets.standing(user_id, session_id)

    async def used_up(self, user_id: UserId | None, session_id: SessionId | None) -> list[Account]:
        """Return the limits of a user, of a session (None = leave them out) and of the system that permit no turn."""
        return await self._budgets.used_up(user_id, session_id)

    def limit(self, scope: str) -> int | None:
        """Return a limit that ADD can raise, in nanodollars as configured; None = there is none."""
        return self._budgets.limit(scope)

    @property
    def alerting(self) -> bool:
        """Whether people are told when spending reaches a level."""
        return self._alerts is not None

    async def alert_running(self, turn: Turn) -> None:
        """Tell people of the level that spending has reached while a turn runs; each level is told once."""
        if self._alerts is not None:
            await self._alerts.running(turn)

    async def alert_ended(self, turn: Turn, refused: BudgetExceeded | None = None) -> None:
        """Tell people of the level that spending has reached at the end of a turn; each level is told once.

        Args:
            refused: why the turn, or a call of it, was refused. The people who may raise that limit are told so.
        """
        if self._alerts is not None:
            await self._alerts.ended(turn, refused)

    def with_advice(self, turn: Turn, outcome: Outcome, refused: BudgetExceeded) -> Outcome:
        """Return the outcome of a refused turn whose replies say what the user can do."""
        return self._notices.with_advice(turn, outcome, refused, self.limit(refused.scope))
