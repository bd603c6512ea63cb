"""From calls at the gateway to charges of the running turn: journalled as they happen, posted with the outcome."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import fields, replace
from typing import Any

from supervisor.models.metering import ModelCall
from supervisor.protocol.conversation import Tokens
from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import UserId
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.port import Ledger
from supervisor.store.records import Charge

logger = logging.getLogger(__name__)

SETTLE_SECONDS = 2.0
"""How long the end of a turn waits for the last call's figures."""


class SessionMeter:
    """The meter of one session: implements `supervisor.models.metering.Meter`.

    Args:
        lane: the session, for the log.
        user_id: who pays for a call that belongs to no turn.
        ledger: None = costs are not tracked.
        settle_seconds: how long the end of a turn waits for the last call's figures.
    """

    def __init__(
        self,
        lane: str,
        user_id: UserId,
        ledger: Ledger | None,
        clock: Clock = now_ms,
        *,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self._lane = lane
        self._user_id = user_id
        self._ledger = ledger
        self._clock = clock
        self._settle_seconds = settle_seconds
        self._turn_id: int | None = None
        self._open: dict[str, tuple[int | None, ModelCall]] = {}  # the turn of each call under way, and its start
        self._writes: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    def begin(self, turn_id: int) -> None:
        """Charge what follows to a turn."""
        self._turn_id = turn_id

    async def settle(self) -> None:
        """Wait until every call of the turn is journalled; what comes later is posted by itself."""
        if self._open:
            try:
                async with asyncio.timeout(self._settle_seconds):
                    while self._open:
                        self._changed.clear()
                        await self._changed.wait()
            except TimeoutError:
                logger.warning("%s: %d calls to the model outlived their turn", self._lane, len(self._open))
        self._turn_id = None
        await self.drain()

    async def drain(self) -> None:
        """Wait for the writes under way."""
        while self._writes:
            await asyncio.gather(*self._writes, return_exceptions=True)

    async def admit(self, model: str, max_tokens: int) -> str | None:
        """Let every call through: there is no budget yet."""
        return None

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
        else:
            self._post(turn_id, call, start)
        self._changed.set()

    def _journal(self, turn_id: int, call: ModelCall, *, estimated: bool) -> None:
        if self._ledger is not None:
            self._spawn(self._ledger.journal(turn_id, _charge(call, estimated=estimated)))

    def _post(self, turn_id: int | None, call: ModelCall, start: ModelCall | None) -> None:
        """Post a call whose turn has ended, without what was posted of it with the turn; or one without a turn."""
        if self._ledger is None:
            return
        charge = _charge(call, estimated=not call.complete)
        if turn_id is not None and start is not None:
            nanos = call.nanos - (start.nanos or 0) if call.nanos is not None else None
            charge = replace(charge, ref=f"{call.id}/rest", tokens=_minus(call.tokens, start.tokens), nanos=nanos)
        self._spawn(self._ledger.post(turn_id, charge, user_id=self._user_id, now_ms=self._clock()))

    def _spawn(self, write: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(self._guard(write), name=f"meter {self._lane}")
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def _guard(self, write: Coroutine[Any, Any, Any]) -> None:
        try:
            await write
        except StorageError as error:
            logger.error("%s: a charge could not be stored: %s", self._lane, error)


def _charge(call: ModelCall, *, estimated: bool) -> Charge:
    return Charge(
        ref=call.id, kind="model", model=call.model, tokens=call.tokens, nanos=call.nanos, estimated=estimated
    )


def _minus(tokens: Tokens, start: Tokens) -> Tokens:
    return Tokens(**{item.name: getattr(tokens, item.name) - getattr(start, item.name) for item in fields(Tokens)})
