"""Limits on spending: set aside before a turn, asked again before each call, told when they are nearly used up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from supervisor.budgets import LEVELS, Account, Scope, refuse_call, refuse_turn, reservation
from supervisor.config import Budgets
from supervisor.hub import Hub
from supervisor.identity import Directory
from supervisor.metering import SessionMeter
from supervisor.protocol.errors import BudgetExceeded, StorageError
from supervisor.protocol.events import CostAlert
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import Address, OutboxId, Reply, SessionId, UserId
from supervisor.protocol.ports import Conversation
from supervisor.protocol.status import Role
from supervisor.protocol.times import DAY_MS, Clock, nanos, now_ms, usd
from supervisor.running import Running
from supervisor.store.port import Store
from supervisor.store.ports.budgets import Reached, Spent
from supervisor.store.records import OutboxDraft, Turn

logger = logging.getLogger(__name__)

REFUSED_SECONDS = 30.0
"""How long a turn that was refused a call may take to end by itself."""

CODED_LEVEL = 80
"""From this percentage on an administrator is told a code that raises the limit."""

SESSION_CODE_MS = 30 * DAY_MS
"""How long the code of a session's limit counts; that of a day's counts to the end of the day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
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
        replied: told the channel of every message that was put in the outbox.
        refused_seconds: see `REFUSED_SECONDS`.
    """

    def __init__(
        self,
        *,
        store: Store,
        limits: Budgets | None,
        track_costs: bool,
        directory: Directory,
        hub: Hub,
        replied: Callable[[str], None],
        refused_seconds: float = REFUSED_SECONDS,
        clock: Clock = now_ms,
    ) -> None:
        self._store = store
        self._limits = limits
        self._track_costs = track_costs
        self._directory = directory
        self._hub = hub
        self._replied = replied
        self._refused_seconds = refused_seconds
        self._clock = clock
        self._stopping: set[asyncio.Task[None]] = set()

    @property
    def reserve_nanos(self) -> int:
        """What a turn sets aside, in nanodollars."""
        if self._limits is None:
            return 0
        return reservation(nanos(self._limits.reserve_usd), _nanos(self._limits.message_usd))

    def meter(self, lane: str, user_id: UserId, session_id: SessionId | None) -> SessionMeter:
        """Return the meter of a session, or of a thread with the assistant."""
        ledger = self._store.ledger if self._track_costs else None
        gauge = Gauge(spending=self, session_id=session_id) if self._limits is not None else None
        return SessionMeter(lane, user_id, ledger, self._clock, gauge=gauge)

    async def reserve(self, turn: Turn) -> BudgetExceeded | None:
        """Set aside what a turn may need; return why it may not start, None where it may.

        Raises:
            StorageError: nothing was set aside, so nothing may start.
        """
        if self._limits is None:
            return None
        amount = self.reserve_nanos

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
        if (most := _nanos(self._limits.message_usd)) is not None and turn_id is not None:
            accounts.insert(0, Account(scope=Scope.MESSAGE, id=str(turn_id), limit=most))
        return refuse_call(accounts, used + under_way)

    @contextmanager
    def watched(self, meter: SessionMeter, running: Running, conversation: Conversation) -> Iterator[None]:
        """End a turn that was refused a call and does not end by itself."""

        def refused(error: BudgetExceeded) -> None:
            if running.refused is None:
                running.refused = error
                name = f"budget {running.turn.message_id}"
                task = asyncio.create_task(self._stop(running, conversation), name=name)
                self._stopping.add(task)
                task.add_done_callback(self._stopping.discard)

        meter.on_refusal = refused
        try:
            yield
        finally:
            meter.on_refusal = None

    async def _stop(self, running: Running, conversation: Conversation) -> None:
        await asyncio.wait([running.ended], timeout=self._refused_seconds)
        if not running.ended.done():
            logger.warning("%s: it goes on although its budget is spent, ending it", running.turn.message_id)
            await conversation.interrupt()

    async def alert(self, turn: Turn) -> None:
        """Tell people of the levels that spending has reached with a turn; each level once."""
        if self._limits is None:
            return
        try:
            standing, _ = await self._store.budgets.standing(None, turn.user_id, turn.session_id, now_ms=self._clock())
            reached = [self._reached(spent, level, limit, turn) for spent, level, limit in self._levels(standing)]
            fresh = await self._store.budgets.told(reached, now_ms=self._clock()) if reached else []
        except StorageError as error:
            logger.error("%s: whether a limit is nearly used up could not be recorded: %s", turn.message_id, error)
            return
        for one in fresh:
            self._announce(one)

    def accounts(self, standing: Sequence[Spent]) -> list[Account]:
        """Return how the limits stand that are set."""
        return self._accounts(standing)

    async def standing(self, user_id: UserId, session_id: SessionId | None) -> list[Account]:
        """Return how the limits stand that concern a user and a session."""
        found, _ = await self._store.budgets.standing(None, user_id, session_id, now_ms=self._clock())
        return self._accounts(found)

    def limit(self, scope: str) -> int | None:
        """Return a limit as it is configured, in nanodollars; None = there is none."""
        if self._limits is None:
            return None
        by_scope = {
            Scope.SESSION: self._limits.session_usd,
            Scope.USER: self._limits.user_daily_usd,
            Scope.SYSTEM: self._limits.system_daily_usd,
        }
        return _nanos(by_scope.get(Scope(scope)))

    def _accounts(self, standing: Sequence[Spent]) -> list[Account]:
        return [
            Account(
                scope=Scope(spent.scope), id=spent.key, limit=limit + spent.raised, spent=spent.nanos, held=spent.held
            )
            for spent in standing
            if (limit := self.limit(spent.scope)) is not None
        ]

    def _levels(self, standing: Sequence[Spent]) -> Iterator[tuple[Spent, int, int]]:
        for spent in standing:
            limit = self.limit(spent.scope)
            if limit is not None:
                limit += spent.raised
                yield from ((spent, level, limit) for level in LEVELS if spent.nanos * 100 >= level * limit)

    def _reached(self, spent: Spent, level: int, limit: int, turn: Turn) -> Reached:
        coded = level >= CODED_LEVEL
        admins = {user.id: user.addresses for user in self._directory.users() if user.role is Role.ADMIN}
        own = turn.reply if turn.reply is not None and turn.reply.channel in ("sms", "mail") else None

        def drafts(user_id: UserId, code: str) -> Sequence[OutboxDraft]:
            reply = own if user_id == turn.user_id and own is not None else _first(admins.get(user_id, ()))
            if reply is None:
                return ()
            name = f"{spent.scope} {spent.key}".strip()
            text = f"{level} % of the limit of {name} is spent: ${usd(spent.nanos):.2f} of ${usd(limit):.2f}"
            if code and user_id in admins:
                text += f". Reply ADD 5 {code} to raise it by 5 dollars"
            return (OutboxDraft(id=OutboxId(uuid7()), reply=reply, text=f"{text}."),)

        recipients = dict.fromkeys([turn.user_id, *admins])
        until_ms = (spent.day + 1) * DAY_MS if spent.day else self._clock() + SESSION_CODE_MS
        return Reached(
            spent=spent, level=level, recipients=list(recipients), drafts=drafts, coded=coded, until_ms=until_ms
        )

    def _announce(self, one: Reached) -> None:
        spent, limit = one.spent, (self.limit(one.spent.scope) or 0) + one.spent.raised
        for channel in ("sms", "mail"):
            self._replied(channel)
        event = CostAlert(
            scope=spent.scope,
            id=spent.key,
            spent_usd=usd(spent.nanos),
            limit_usd=usd(limit),
            level="exceeded" if one.level >= LEVELS[-1] else "warning",
        )
        own = f"{spent.scope}:{spent.key}" if spent.key else ""
        self._hub.publish(event, ("costs", *([own] if own else [])))


def _nanos(dollars: float | None) -> int | None:
    return nanos(dollars) if dollars is not None else None


def _first(addresses: Sequence[Address]) -> Reply | None:
    return Reply(channel=addresses[0].kind, to=addresses[0], meta={"subject": "Spending"}) if addresses else None
