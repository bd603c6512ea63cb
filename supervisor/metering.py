"""From calls at the gateway to charges of the running turn: journalled as they happen, posted with the outcome."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from supervisor.models.metering import ModelCall
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
    """

    def __init__(self, lane: str, user_id: UserId, ledger: Ledger | None, clock: Clock = now_ms) -> None:
        self._lane = lane
        self._user_id = user_id
        self._ledger = ledger
        self._clock = clock
        self._turn_id: int | None = None
        self._open: set[str] = set()
        self._writes: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    def begin(self, turn_id: int) -> None:
        """Charge what follows to a turn."""
        self._turn_id = turn_id

    async def settle(self) -> None:
        """Wait until every call of the turn is journalled; what comes later is posted by itself."""
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
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
        self._open.add(call.id)
        self._write(call, estimated=True)

    def finished(self, call: ModelCall) -> None:
        """Journal a call's final figures."""
        self._open.discard(call.id)
        self._write(call, estimated=not call.complete)
        self._changed.set()

    def _write(self, call: ModelCall, *, estimated: bool) -> None:
        if self._ledger is None:
            return
        charge = Charge(
            ref=call.id, kind="model", model=call.model, tokens=call.tokens, nanos=call.nanos, estimated=estimated
        )
        if self._turn_id is not None:
            self._spawn(self._ledger.journal(self._turn_id, charge))
        elif call.id not in self._open:  # final figures after the turn's end
            self._spawn(self._ledger.post(None, charge, user_id=self._user_id, now_ms=self._clock()))

    def _spawn(self, write: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(self._guard(write), name=f"meter {self._lane}")
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def _guard(self, write: Coroutine[Any, Any, Any]) -> None:
        try:
            await write
        except StorageError as error:
            logger.error("%s: a charge could not be stored: %s", self._lane, error)
