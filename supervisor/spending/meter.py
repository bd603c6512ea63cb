"""Turns the model calls of a session into charges of its running turn.

A charge is journalled when its call ends, and posted to the ledger with the outcome of the turn.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

from supervisor.cluster.outages import wait_out
from supervisor.models.gateway.meter import ModelCall
from supervisor.protocol.errors import BudgetExceeded
from supervisor.protocol.messages import UserId
from supervisor.protocol.times import Clock, now_ms
from supervisor.spending.charges import ChargeWriter, charge_of, rest_of
from supervisor.store.ports.ledger import LedgerStore
from supervisor.store.records.charge import Charge

logger = logging.getLogger(__name__)

SETTLE_SECONDS = 2.0
"""How long the end of a turn waits for the figures of its last call, in seconds."""

OUTAGE_SECONDS = 60.0
"""How long a call waits for a database that does not answer. Its client waits for 300 seconds or more."""


class SpendingLimit(Protocol):
    """The limits that apply to a session."""

    async def refusal(self, turn_id: int | None, user_id: UserId, under_way: int) -> BudgetExceeded | None:
        """Return why no further call may be made, or None where it may.

        Args:
            under_way: the most nanodollars that calls may cost which have not ended.
        """


class SessionMeter:
    """The meter of one session: implements `supervisor.models.gateway.meter.Meter`.

    Args:
        lane: the name of the session, for the log.
        user_id: who pays for calls before the first turn.
        ledger: None = costs are not recorded.
        clock: milliseconds UTC.
        limit: checked before each call; None = there are no limits.
        settle_seconds: see `SETTLE_SECONDS`.

    Attributes:
        on_refusal: called when a call of the running turn is refused; None = nobody is.
        on_spent: called with the id of the turn when a call of it is journalled. No call waits for it.
    """

    def __init__(
        self,
        lane: str,
        user_id: UserId,
        ledger: LedgerStore | None,
        clock: Clock = now_ms,
        *,
        limit: SpendingLimit | None = None,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self._lane = lane
        self._user_id = user_id
        self._writer = ChargeWriter(lane, ledger, clock) if ledger is not None else None
        self._limit = limit
        self.on_refusal: Callable[[BudgetExceeded], None] | None = None
        self.on_spent: Callable[[int], Awaitable[None]] | None = None
        self._settle_seconds = settle_seconds
        self._turn_id: int | None = None
        # The turn of each open call, and its figures at the start.
        self._open: dict[str, tuple[int | None, ModelCall]] = {}
        self._notifications: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._admitting = asyncio.Lock()
        self._admitted = 0  # open calls that `admit` has allowed
        self._over = 0  # ended calls that `admit` had allowed, since the start
        self._dearest = 0  # the most that one of the open calls can cost, in nanodollars

    def begin(self, turn_id: int, user_id: UserId) -> None:
        """Charge the calls that follow to a turn, under the limits of its user."""
        self._turn_id, self._user_id = turn_id, user_id

    async def settle(self, turn_id: int) -> list[Charge]:
        """Wait until the calls of a turn are journalled and `on_spent` has run. Later calls are posted by themselves.

        Returns:
            The charges that the store refused to journal. They must be written with the end of the turn.
        """
        if self._open_of(turn_id):
            try:
                async with asyncio.timeout(self._settle_seconds):
                    while self._open_of(turn_id):
                        self._changed.clear()
                        await self._changed.wait()
            except TimeoutError:
                logger.warning("%s: %d calls to the model outlived their turn", self._lane, self._open_of(turn_id))
        if self._turn_id == turn_id:
            self._turn_id = self.on_spent = None
        await self.drain()
        while self._notifications:
            await asyncio.wait(self._notifications)
        if self._writer is None:
            return []
        await self._writer.retry()
        return self._writer.take_refused(turn_id)

    def _open_of(self, turn_id: int) -> int:
        return sum(owner == turn_id for owner, _ in self._open.values())

    async def drain(self) -> None:
        """Wait for the writes that have begun."""
        if self._writer is not None:
            await self._writer.drain()

    async def admit(self, model: str, max_tokens: int, *, most_nanos: int | None) -> str | None:
        """Allow a call as long as no limit is used up; return why it is refused, or None where it is allowed.

        The cost of a call is known only at its end. While other calls are open, each of them and this one count with
        the most that they can cost. If that would exceed a limit, this call waits for an open call to end. So a turn
        can exceed a limit by the cost of one call only.

        While the database does not answer, nobody knows what is spent, and the call waits.

        Args:
            most_nanos: the most that the call can cost, in nanodollars; None = its price is not known.

        Raises:
            StorageError: it has not answered for `OUTAGE_SECONDS`, and the call may be made again; or it `lasts`.
        """
        return await wait_out(partial(self._admit, model, most_nanos), f"{self._lane}: a call", seconds=OUTAGE_SECONDS)

    async def _admit(self, model: str, most_nanos: int | None) -> str | None:
        if self._limit is not None:
            if most_nanos is None:
                return f"the price of {model} is not known, so no limit on spending could hold"
            async with self._admitting:
                error = await self._refusal(self._limit, most_nanos)
            if error is not None:
                if self.on_refusal is not None:
                    self.on_refusal(error)
                return str(error)
        if self._writer is not None:
            await self._writer.retry()
            if (refusal := self._writer.refusal) is not None:  # else uncounted calls would go on
                raise refusal
        # One maximum is enough: each open call counts as the dearest of them.
        self._dearest = max(self._dearest if self._admitted else 0, most_nanos or 0)
        self._admitted += 1
        return None

    async def _refusal(self, limit: SpendingLimit, most_nanos: int) -> BudgetExceeded | None:
        """Return why a call is refused; wait for open calls while they might exceed a limit together with it."""
        while True:
            # Read before the limit is asked: if a call ends meanwhile, the answer is outdated and is asked for again.
            over, alone = self._over, not self._admitted
            await self.drain()
            error = await limit.refusal(self._turn_id, self._user_id, 0)
            if error is not None or alone:
                return error
            each = max(self._dearest, most_nanos)
            fits = await limit.refusal(self._turn_id, self._user_id, each * (self._admitted + 1)) is None
            if fits and self._over == over:
                return None
            while self._over == over:
                self._changed.clear()
                await self._changed.wait()

    def over(self) -> None:
        """Note that an allowed call has ended."""
        self._admitted -= 1
        self._over += 1
        self._changed.set()

    def started(self, call: ModelCall) -> None:
        """Journal an estimate of a call whose input is known."""
        self._open[call.id] = self._turn_id, call
        if self._turn_id is not None and self._writer is not None:
            self._writer.journal(self._turn_id, charge_of(call, estimated=True), self._user_id)

    def finished(self, call: ModelCall) -> None:
        """Journal the final figures of a call."""
        turn_id, start = self._open.pop(call.id, (None, None))
        if turn_id is not None and turn_id == self._turn_id:
            if self._writer is not None:
                self._writer.journal(turn_id, charge_of(call, estimated=not call.complete), self._user_id)
            self._notify(turn_id)
        elif self._writer is not None:
            self._post(self._writer, turn_id, call, start)
        self._changed.set()

    def _notify(self, turn_id: int) -> None:
        """Call `on_spent` in a task of its own, after the writes that have begun."""
        if self.on_spent is not None:
            writes = set(self._writer.writes) if self._writer is not None else set()
            notification = self._notify_after(writes, self.on_spent, turn_id)
            task = asyncio.create_task(notification, name=f"spent {self._lane}")
            self._notifications.add(task)
            task.add_done_callback(self._notifications.discard)

    async def _notify_after(
        self, writes: set[asyncio.Task[None]], on_spent: Callable[[int], Awaitable[None]], turn_id: int
    ) -> None:
        if writes:
            await asyncio.wait(writes)
        try:
            await on_spent(turn_id)
        except Exception:
            logger.exception("%s: whether a limit is nearly used up could not be told", self._lane)

    def _post(self, writer: ChargeWriter, turn_id: int | None, call: ModelCall, start: ModelCall | None) -> None:
        """Post a call without a running turn. The estimate at its start was posted with the turn that it had then."""
        if turn_id is not None and start is not None:
            charge = rest_of(call, start)
        else:
            charge = charge_of(call, estimated=not call.complete)
        writer.post(turn_id, charge, self._user_id)
