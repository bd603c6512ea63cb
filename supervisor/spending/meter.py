"""From calls at the gateway to charges of the running turn: journalled as they happen, posted with the outcome."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields, replace
from typing import Protocol

from supervisor.models.gateway.meter import ModelCall
from supervisor.protocol.conversation import Tokens
from supervisor.protocol.errors import BudgetExceeded, StorageError
from supervisor.protocol.messages import UserId
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.ports.ledger import LedgerStore
from supervisor.store.records.charge import Charge

logger = logging.getLogger(__name__)

SETTLE_SECONDS = 2.0
"""How long the end of a turn waits for the last call's figures."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A charge on its way to the store.

    Attributes:
        journal: it counts with the end of its turn; else it is posted by itself.
    """

    turn_id: int | None
    charge: Charge
    user_id: UserId
    journal: bool


class SpendingLimit(Protocol):
    """Says what may still be spent."""

    async def refusal(self, turn_id: int | None, user_id: UserId, under_way: int) -> BudgetExceeded | None:
        """Return why no further call may be made, None where it may."""


class SessionMeter:
    """The meter of one session: implements `supervisor.models.gateway.meter.Meter`.

    Args:
        lane: the session, for the log.
        user_id: who pays for a call that belongs to no turn, until there was one.
        ledger: None = costs are not tracked.
        gauge: asked before each call; None = there are no limits.
        settle_seconds: how long the end of a turn waits for the last call's figures.

    Attributes:
        on_refusal: told when the running turn was refused a call.
        on_spent: told the turn when a call of its has ended and is journalled; no call and no stream waits for it.
    """

    def __init__(
        self,
        lane: str,
        user_id: UserId,
        ledger: LedgerStore | None,
        clock: Clock = now_ms,
        *,
        gauge: SpendingLimit | None = None,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self._lane = lane
        self._user_id = user_id
        self._ledger = ledger
        self._clock = clock
        self._gauge = gauge
        self.on_refusal: Callable[[BudgetExceeded], None] | None = None
        self.on_spent: Callable[[int], Awaitable[None]] | None = None
        self._settle_seconds = settle_seconds
        self._turn_id: int | None = None
        self._open: dict[str, tuple[int | None, ModelCall]] = {}  # the turn of each call under way, and its start
        self._writes: set[asyncio.Task[None]] = set()
        self._refused: dict[str, _Entry] = {}  # what the store did not take, by its charge
        self._tellings: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._admitting = asyncio.Lock()
        self._admitted = 0  # calls that were let through and are not over
        self._over = 0  # calls that were let through and are over, ever
        self._most = 0  # that any of them can cost, in nanodollars

    def begin(self, turn_id: int, user_id: UserId) -> None:
        """Charge what follows to a turn, by the limits of who wrote it."""
        self._turn_id, self._user_id = turn_id, user_id

    async def settle(self, turn_id: int) -> list[Charge]:
        """Wait until every call of a turn is journalled, and told of; what comes later is posted by itself.

        Returns:
            What the store refused to journal: it is to be written with the turn's end.
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
        while self._tellings:
            await asyncio.gather(*self._tellings)
        await self._write_refused()
        left = [one for one in self._refused.values() if one.turn_id == turn_id and one.journal]
        for one in left:
            del self._refused[one.charge.ref]
        return [one.charge for one in left]

    def _open_of(self, turn_id: int) -> int:
        return sum(owner == turn_id for owner, _ in self._open.values())

    async def drain(self) -> None:
        """Wait for the writes under way."""
        while self._writes:
            await asyncio.gather(*self._writes, return_exceptions=True)

    async def admit(self, model: str, max_tokens: int, *, most_nanos: int | None) -> str | None:
        """Let a call through while no limit is used up.

        What a call costs is known at its end. While others are under way, they and this one are taken to cost the most
        that they can; where that might pass a limit, the call waits for them: so a turn passes a limit by one call.
        """
        if self._gauge is not None:
            if most_nanos is None:
                return f"the price of {model} is not known, so no limit on spending could hold"
            async with self._admitting:
                error = await self._refusal(self._gauge, most_nanos)
            if error is not None:
                if self.on_refusal is not None:
                    self.on_refusal(error)
                return str(error)
        await self._write_refused()
        if self._refused:  # else calls that nobody counts would go on as long as the disk is full
            return "what was spent cannot be recorded now"
        # What is over need not be told apart: each of those under way counts as the dearest among them.
        self._most = max(self._most if self._admitted else 0, most_nanos or 0)
        self._admitted += 1
        return None

    async def _refusal(self, gauge: SpendingLimit, most_nanos: int) -> BudgetExceeded | None:
        while True:
            # Before anything is asked: what ends meanwhile is in none of the answers, and is asked about again.
            over, alone = self._over, not self._admitted
            await self.drain()
            error = await gauge.refusal(self._turn_id, self._user_id, 0)
            if error is not None or alone:
                return error
            each = max(self._most, most_nanos)
            fits = await gauge.refusal(self._turn_id, self._user_id, each * (self._admitted + 1)) is None
            if fits and self._over == over:
                return None
            while self._over == over:
                self._changed.clear()
                await self._changed.wait()

    def over(self) -> None:
        """Note that a call which was let through is over."""
        self._admitted -= 1
        self._over += 1
        self._changed.set()

    def started(self, call: ModelCall) -> None:
        """Journal a call whose input is known, as an estimate."""
        self._open[call.id] = self._turn_id, call
        if self._turn_id is not None:
            self._journal(self._turn_id, call, estimated=True)

    def finished(self, call: ModelCall) -> None:
        """Journal a call's final figures."""
        turn_id, start = self._open.pop(call.id, (None, None))
        if turn_id is not None and turn_id == self._turn_id:
            self._journal(turn_id, call, estimated=not call.complete)
            self._tell(turn_id)
        else:
            self._post(turn_id, call, start)
        self._changed.set()

    def _journal(self, turn_id: int, call: ModelCall, *, estimated: bool) -> None:
        if self._ledger is not None:
            self._spawn(_Entry(turn_id, _charge(call, estimated=estimated), self._user_id, journal=True))

    def _tell(self, turn_id: int) -> None:
        if self.on_spent is not None:
            told = self._tell_behind(set(self._writes), self.on_spent, turn_id)
            task = asyncio.create_task(told, name=f"spent {self._lane}")
            self._tellings.add(task)
            task.add_done_callback(self._tellings.discard)

    async def _tell_behind(
        self, writes: set[asyncio.Task[None]], on_spent: Callable[[int], Awaitable[None]], turn_id: int
    ) -> None:
        if writes:
            await asyncio.wait(writes)
        try:
            await on_spent(turn_id)
        except Exception:
            logger.exception("%s: whether a limit is nearly used up could not be told", self._lane)

    def _post(self, turn_id: int | None, call: ModelCall, start: ModelCall | None) -> None:
        """Post a call whose turn has ended, without what was posted of it with the turn; or one without a turn."""
        if self._ledger is None:
            return
        charge = _charge(call, estimated=not call.complete)
        if turn_id is not None and start is not None:
            nanos = call.nanos - (start.nanos or 0) if call.nanos is not None else None
            charge = replace(charge, ref=f"{call.id}/rest", tokens=_minus(call.tokens, start.tokens), nanos=nanos)
        self._spawn(_Entry(turn_id, charge, self._user_id, journal=False))

    def _spawn(self, entry: _Entry) -> None:
        task = asyncio.create_task(self._write(entry), name=f"meter {self._lane}")
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def _write(self, entry: _Entry) -> None:
        """Write a charge, or keep it until the store takes it."""
        assert self._ledger is not None, "else nothing is counted"
        turn_id, charge = entry.turn_id, entry.charge
        try:
            if entry.journal and turn_id is not None:
                await self._ledger.journal(turn_id, charge)
            else:
                await self._ledger.post(turn_id, charge, user_id=entry.user_id, now_ms=self._clock())
        except StorageError as error:
            logger.error("%s: a charge could not be stored yet: %s", self._lane, error)
            self._refused[charge.ref] = entry
        else:
            self._refused.pop(charge.ref, None)  # an earlier figure of the same call

    async def _write_refused(self) -> None:
        for entry in list(self._refused.values()):
            await self._write(entry)


def _charge(call: ModelCall, *, estimated: bool) -> Charge:
    return Charge(
        ref=call.id, kind="model", model=call.model, tokens=call.tokens, nanos=call.nanos, estimated=estimated
    )


def _minus(tokens: Tokens, start: Tokens) -> Tokens:
    return Tokens(**{item.name: getattr(tokens, item.name) - getattr(start, item.name) for item in fields(Tokens)})
