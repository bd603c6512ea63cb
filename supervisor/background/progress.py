"""Words about turns that take long: one that it is still worked on, one that nothing was heard of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from supervisor.approvals.asking import Approvals
from supervisor.config import Progress as Settings
from supervisor.delivery.hub import Hub
from supervisor.delivery.replies import quote, reply_id
from supervisor.protocol.events import ClaudeCodeStuck
from supervisor.protocol.messages import PLAIN_CHANNELS, in_a_sentence
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.port import Store
from supervisor.store.records.outbox import OutboxDraft
from supervisor.turns.running import RunningTurn
from supervisor.turns.scheduler import TurnScheduler

logger = logging.getLogger(__name__)

STILL_WORKING, STUCK = 2, 3
"""Numbers of the notices of a turn: each is sent once, also over restarts."""


class ProgressNotices:
    """Looks at the running turns whenever the clock says so.

    Args:
        monotonic: seconds of a clock that never goes back.
    """

    def __init__(
        self,
        *,
        store: Store,
        turns: TurnScheduler,
        approvals: Approvals,
        hub: Hub,
        settings: Settings,
        clock: Clock = now_ms,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._turns = turns
        self._approvals = approvals
        self._hub = hub
        self._settings = settings
        self._clock = clock
        self._monotonic = monotonic
        self._told: set[tuple[int, int]] = set()

    async def look(self) -> None:
        """Tell people of turns that take long.

        Raises:
            StorageError: a notice could not be stored; the next look tries again.
        """
        running = self._turns.running_turns()
        self._told &= {(one.turn.id, kind) for one in running for kind in (STILL_WORKING, STUCK)}
        for one in running:
            if one.turn.session_id is not None and self._approvals.asked_in(one.turn.session_id):
                continue  # it is the person who is waited for
            after = self._settings.progress_after_seconds
            if after and one.duration_ms >= after * 1000 and one.turn.channel == "sms":
                minutes = max(1, one.duration_ms // 60_000)
                text = f"Still working on {quote(one.turn.text)} after {minutes} min. ABORT stops it."
                await self._tell(one, STILL_WORKING, text)
            if self._is_stuck(one):
                silent = round(self._monotonic() - one.heard)
                logger.warning("%s: nothing was heard of its turn for %d s", one.turn.message_id, silent)
                text = f"No sign of life for {max(1, silent // 60)} min: {quote(one.turn.text)}. ABORT stops it."
                await self._tell(one, STUCK, text)
                self._announce(one, silent)

    def _is_stuck(self, one: RunningTurn) -> bool:
        after = self._settings.stuck_after_seconds
        told = (one.turn.id, STUCK) in self._told
        return bool(after) and not one.ended.done() and not told and self._monotonic() - one.heard >= after

    def _announce(self, one: RunningTurn, silent: int) -> None:
        turn = one.turn
        if turn.session_id is not None:
            event = ClaudeCodeStuck(session_id=turn.session_id, message_id=turn.message_id, silent_seconds=silent)
            self._hub.publish(event, one.topics)

    async def _tell(self, one: RunningTurn, kind: int, text: str) -> None:
        reply, key = one.turn.reply, (one.turn.id, kind)
        if key in self._told or one.ended.done():  # it ended while another was told of
            return
        if reply is not None and reply.channel in PLAIN_CHANNELS:
            draft = OutboxDraft(id=reply_id(one.turn.message_id, kind), reply=in_a_sentence(reply), text=text)
            await self._store.outbox.add(draft, user_id=one.turn.user_id, now_ms=self._clock())
        self._told.add(key)
