"""Messages that are sent into a running turn, and end with it or go on in its place."""

from __future__ import annotations

import logging

from supervisor.delivery.hub import Hub
from supervisor.protocol.errors import ConnectionFailed
from supervisor.protocol.times import Clock
from supervisor.store.port import Store
from supervisor.store.records import Acceptance, Turn
from supervisor.turns.lane import Lane
from supervisor.turns.prompts import prompt_of
from supervisor.turns.running import BROKE, RecordTool, RunningTurn

logger = logging.getLogger(__name__)


class Steering:
    """Sends accepted messages into the turn that runs in their lane.

    A message joins a turn of its own writer alone, by the same channel: rights, limits, questions and what a channel
    proves are the turn's. What is spent on it counts for that turn, within its limits, until it goes on by itself.
    """

    def __init__(self, *, store: Store, hub: Hub, steers: bool, clock: Clock) -> None:
        self._store = store
        self._hub = hub
        self._steers = steers
        self._clock = clock

    async def join(self, lane: Lane | None, acceptance: Acceptance, record_tool: RecordTool | None) -> bool:
        """Send a message that waits into the running turn; False = it goes on waiting, and its sender is told so.

        Raises:
            StorageError: it goes on waiting.
        """
        if lane is None or record_tool is None:
            await self._ask(acceptance, None)
            return False
        async with lane.gate:
            host = self._host(lane, acceptance)
            part = await self._ask(acceptance, host)
            if host is None or lane.conversation is None or part is None:
                return False
            joined = RunningTurn(part, self._hub, record_tool)
            host.joined.append(joined)
            try:
                await lane.conversation.prompt(prompt_of(part))
                joined.given = True
            except ConnectionFailed as error:  # it runs by itself, after the turn
                logger.warning("%s: it could not be sent into the running turn: %s", part.message_id, error.why)
            except Exception:  # nobody knows whether it was written, so it is not written again
                logger.exception("%s: the connector broke", part.message_id)
                joined.given = True
                joined.fail(BROKE)
        return True

    def _host(self, lane: Lane, acceptance: Acceptance) -> RunningTurn | None:
        """Return the running turn that a message may join."""
        running = lane.running
        if (
            not self._steers
            or running is None
            or not running.given
            or running.ended.done()
            or lane.conversation is None
        ):
            return None
        turn = running.turn
        same = (turn.user_id, turn.channel) == (acceptance.user_id, acceptance.channel)
        return running if same else None

    async def _ask(self, acceptance: Acceptance, host: RunningTurn | None) -> Turn | None:
        told = acceptance.queued or (lambda _: ())
        return await self._store.turns.join(
            acceptance.message_id,
            host.turn.id if host is not None else None,
            joined=told(0),
            queued=told,
            now_ms=self._clock(),
        )
