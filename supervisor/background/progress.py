"""Notices about turns that take long: that a turn is still running, and that a turn gives no sign of life."""

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
from supervisor.sentences import turns as say
from supervisor.store.ports.outbox import OutboxStore
from supervisor.store.records.outbox import OutboxDraft
from supervisor.turns.running.turn import RunningTurn
from supervisor.turns.scheduler import TurnScheduler

logger = logging.getLogger(__name__)

STILL_WORKING, STUCK = 2, 3
"""Numbers of the two notices of a turn, for `reply_id`: each notice is sent once, also across restarts."""


class ProgressNotices:
    """Checks the running turns, and notifies their senders and subscribers; `Schedule` calls `look`.

    Args:
        monotonic: returns monotonic time, in seconds.
    """

    def __init__(
        self,
        *,
        outbox: OutboxStore,
        turns: TurnScheduler,
        approvals: Approvals,
        hub: Hub,
        settings: Settings,
        clock: Clock = now_ms,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._turns = turns
        self._approvals = approvals
        self._hub = hub
        self._settings = settings
        self._clock = clock
        self._monotonic = monotonic
        self._notified: set[tuple[int, int]] = set()

    async def look(self) -> None:
        """Notify people about turns that take long.

        Raises:
            StorageError: a notice could not be stored; the next look retries.
        """
        running = self._turns.running_turns()
        self._notified &= {(one.turn.id, kind) for one in running for kind in (STILL_WORKING, STUCK)}
        for one in running:
            if one.turn.session_id is not None and self._approvals.asked_in(one.turn.session_id):
                continue  # the turn waits for a person
            after = self._settings.progress_after_seconds
            if after and one.clock.duration_ms >= after * 1000 and one.turn.channel == "sms":
                minutes = max(1, one.clock.duration_ms // 60_000)
                text = say.STILL_WORKING(quoted=quote(one.turn.text), minutes=minutes)
                await self._notify(one, STILL_WORKING, text)
            if self._is_stuck(one):
                silent = round(self._monotonic() - one.clock.heard)
                logger.warning("%s: no event of its turn for %d s", one.turn.message_id, silent)
                text = say.NO_SIGN_OF_LIFE(quoted=quote(one.turn.text), minutes=max(1, silent // 60))
                await self._notify(one, STUCK, text)
                self._announce(one, silent)

    def _is_stuck(self, one: RunningTurn) -> bool:
        after = self._settings.stuck_after_seconds
        notified = (one.turn.id, STUCK) in self._notified
        return bool(after) and not one.ended.done() and not notified and self._monotonic() - one.clock.heard >= after

    def _announce(self, one: RunningTurn, silent: int) -> None:
        turn = one.turn
        if turn.session_id is not None:
            event = ClaudeCodeStuck(session_id=turn.session_id, message_id=turn.message_id, silent_seconds=silent)
            self._hub.publish(event, one.topics)

    async def _notify(self, one: RunningTurn, kind: int, text: str) -> None:
        reply, key = one.turn.reply, (one.turn.id, kind)
        if key in self._notified or one.ended.done():  # the turn ended while another notice was stored
            return
        if reply is not None and reply.channel in PLAIN_CHANNELS:
            draft = OutboxDraft(id=reply_id(one.turn.message_id, kind), reply=in_a_sentence(reply), text=text)
            await self._outbox.add(draft, user_id=one.turn.user_id, now_ms=self._clock())
        self._notified.add(key)
