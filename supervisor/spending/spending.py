"""Limits on spending: set aside before a turn, asked again before each call, told when they are nearly used up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from supervisor.config import BudgetConfig
from supervisor.delivery.hub import Hub
from supervisor.people.identity import Directory
from supervisor.protocol.errors import BudgetExceeded
from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.times import Clock, nanos, now_ms
from supervisor.spending.alerts import Alerts
from supervisor.spending.limits import Account, Scope, configured, refuse_call, refuse_turn, reservation
from supervisor.spending.meter import SessionMeter
from supervisor.spending.notices import BudgetNotices
from supervisor.store.port import Store
from supervisor.store.ports.budgets import Spent
from supervisor.store.records.outcome import Outcome
from supervisor.store.records.turn import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredLimits:
    """Asked by a meter before each call of its session or thread."""

    spending: Spending
    session_id: SessionId | None

    async def refusal(self, turn_id: int | None, user_id: UserId, under_way: int) -> BudgetExceeded | None:
        """Return why no further call may be made, None where it may.

        Args:
            under_way: nanodollars that calls which have not ended are taken to cost.
        """
        return await self.spending.refusal(turn_id, user_id, self.session_id, under_way)


class Spending:
    """What may still be spent; without `[budgets]` everything.

    Args:
        limits: `[budgets]`, or None.
        track_costs: false keeps costs out of the database; then there are no limits.
    """

    def __init__(
        self,
        *,
        store: Store,
        limits: BudgetConfig | None,
        track_costs: bool,
        directory: Directory,
        hub: Hub,
        clock: Clock = now_ms,
    ) -> None:
        self._store = store
        self._limits = limits
        self._track_costs = track_costs
        self._notices = BudgetNotices(directory=directory, hub=hub, clock=clock)
        self._alerts: Alerts | None = None
        if limits is not None:
            self._alerts = Alerts(
                budgets=store.budgets,
                codes=store.codes,
                outbox=store.outbox,
                limits=limits,
                notices=self._notices,
                clock=clock,
            )
        self._clock = clock

    def meter(self, lane: str, user_id: UserId, session_id: SessionId | None) -> SessionMeter:
        """Return the meter of a session, or of a thread with the assistant."""
        ledger = self._store.ledger if self._track_costs else None
        gauge = ConfiguredLimits(spending=self, session_id=session_id) if self._limits is not None else None
        return SessionMeter(lane, user_id, ledger, self._clock, gauge=gauge)

    async def reserve(self, turn: Turn) -> BudgetExceeded | None:
        """Set aside what a turn may need; return why it may not start, None where it may.

        Raises:
            StorageError: nothing was set aside, so nothing may start.
        """
        if self._limits is None:
            return None
        amount = reservation(nanos(self._limits.reserve_usd), configured(self._limits, Scope.MESSAGE))

        def check(standing: Sequence[Spent]) -> BudgetExceeded | None:
            return refuse_turn(self._accounts(standing), amount)

        return await self._store.budgets.reserve(
            turn.id, turn.user_id, turn.session_id, amount, check, now_ms=self._clock()
        )

    async def refusal(
        self, turn_id: int | None, user_id: UserId, session_id: SessionId | None, under_way: int
    ) -> BudgetExceeded | None:
        """Return why a running turn may make no further call, None where it may."""
        if self._limits is None:
            return None
        standing, used = await self._store.budgets.standing(turn_id, user_id, session_id, now_ms=self._clock())
        accounts = self._accounts(standing)
        if (most := configured(self._limits, Scope.MESSAGE)) is not None and turn_id is not None:
            accounts.insert(0, Account(scope=Scope.MESSAGE, id=str(turn_id), limit=most))
        return refuse_call(accounts, used + under_way)

    @property
    def alerting(self) -> bool:
        """Whether people are told of levels at all."""
        return self._alerts is not None

    async def under_way(self, turn: Turn) -> None:
        """Tell people of the levels that a turn reaches while it runs."""
        if self._alerts is not None:
            await self._alerts.under_way(turn)

    async def alert(self, turn: Turn, refused: BudgetExceeded | None = None) -> None:
        """Tell people of the highest level that spending has reached with a turn; each level once.

        Args:
            refused: why the turn was, or was refused a call: who may raise that limit is told that it is used up.
        """
        if self._alerts is not None:
            await self._alerts.ended(turn, refused)

    def advised(self, turn: Turn, outcome: Outcome, refused: BudgetExceeded) -> Outcome:
        """Let the replies to a turn that was refused say how it goes on."""
        return self._notices.advised(turn, outcome, refused, self.limit(refused.scope))

    def accounts(self, standing: Sequence[Spent]) -> list[Account]:
        """Return how the limits stand that are set."""
        return self._accounts(standing)

    async def standing(self, user_id: UserId | None, session_id: SessionId | None) -> list[Account]:
        """Return how the limits stand that concern a user and a session, where they are named, and the system."""
        if self._limits is None:
            return []
        found, _ = await self._store.budgets.standing(None, user_id, session_id, now_ms=self._clock())
        return self._accounts(found)

    def limit(self, scope: str) -> int | None:
        """Return a limit that is raised by ADD, in nanodollars as it is configured; None = there is none."""
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
