"""Ends a running turn to which a limit refuses a call, and raises alerts while the turn spends."""

from __future__ import annotations

import asyncio
import logging

from supervisor.protocol.errors import BudgetExceeded
from supervisor.protocol.ports.connector import Conversation
from supervisor.spending.meter import SessionMeter
from supervisor.spending.spending import Spending
from supervisor.turns.running.turn import RunningTurn

logger = logging.getLogger(__name__)

REFUSED_SECONDS = 30.0
"""Seconds in which a turn may end by itself after it was refused a call; then it is interrupted."""


class BudgetGuard:
    """Watches the spending of running turns.

    Args:
        refused_seconds: see `REFUSED_SECONDS`.
    """

    def __init__(self, spending: Spending, *, refused_seconds: float = REFUSED_SECONDS) -> None:
        self._spending = spending
        self._refused_seconds = refused_seconds
        self._stopping: set[asyncio.Task[None]] = set()

    def watch(self, meter: SessionMeter, running: RunningTurn, conversation: Conversation) -> None:
        """Watch a turn until `watch` is called for the next turn of the same meter."""

        def refused(error: BudgetExceeded) -> None:
            if running.refused is None:
                running.refused = error
                name = f"budget {running.turn.message_id}"
                task = asyncio.create_task(self._stop(running, conversation), name=name)
                self._stopping.add(task)
                task.add_done_callback(self._stopping.discard)

        async def spent(turn_id: int) -> None:
            for one in (running, *running.joined):  # a steered message may already be charged for its own calls
                if one.turn.id == turn_id:
                    await self._spending.alert_running(one.turn)

        meter.on_refusal = refused
        meter.on_spent = spent if self._spending.alerting else None

    async def _stop(self, running: RunningTurn, conversation: Conversation) -> None:
        await asyncio.wait([running.ended], timeout=self._refused_seconds)
        if not running.ended.done():
            logger.warning("%s: its budget is spent and it does not end, interrupting it", running.turn.message_id)
            running.stopping = True
            await conversation.interrupt()
