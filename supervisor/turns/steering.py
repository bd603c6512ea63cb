"""Steering: sends a message into the running turn of its lane."""

from __future__ import annotations

import logging

from supervisor.delivery.hub import Hub
from supervisor.protocol.errors import ConnectionFailed
from supervisor.protocol.status import Target
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.ports.turns import TurnStore
from supervisor.store.records.acceptance import Acceptance
from supervisor.store.records.turn import Turn
from supervisor.turns.lanes.lane import Lane
from supervisor.turns.prompts import prompt_of
from supervisor.turns.running import BROKE, RunningTurn
from supervisor.turns.tool_events import ToolEvents

logger = logging.getLogger(__name__)


class Steering:
    """Sends accepted messages into running turns.

    A message joins only a turn of the same user and channel, because rights, limits, questions and the proof of
    identity are those of the turn. The costs of the message count for that turn and within its limits, until the
    message runs as a turn of its own.

    Args:
        steers: whether the connector takes messages into a running turn.
    """

    def __init__(self, *, store: TurnStore, hub: Hub, tools: ToolEvents, steers: bool, clock: Clock = now_ms) -> None:
        self._store = store
        self._hub = hub
        self._tools = tools
        self._steers = steers
        self._clock = clock

    async def steer(self, lane: Lane | None, acceptance: Acceptance) -> bool:
        """Send a waiting message into the running turn of its lane; False = it keeps waiting and its sender is told.

        Args:
            lane: None = the lane has no work.

        Raises:
            StorageError: the message keeps waiting.
        """
        if lane is None:
            await self._join(acceptance, None)
            return False
        async with lane.gate:
            host = self._host(lane, acceptance)
            part = await self._join(acceptance, host)
            if host is None or lane.conversation is None or part is None:
                return False
            steered = RunningTurn(part, self._hub, self._tools.recorder(lane))
            host.joined.append(steered)
            try:
                await lane.conversation.prompt(prompt_of(part))
                steered.given = True
            except ConnectionFailed as error:  # it runs as a turn of its own, after the running one
                logger.warning("%s: it could not be sent into the running turn: %s", part.message_id, error.why)
            except Exception:  # the prompt may have been written, so it must not be written again
                logger.exception("%s: the connector broke", part.message_id)
                steered.given = True
                steered.fail(BROKE)
        return True

    def _host(self, lane: Lane, acceptance: Acceptance) -> RunningTurn | None:
        """Return the running turn that a message may join."""
        running = lane.running
        if not self._steers or running is None or not running.given or lane.conversation is None:
            return None
        if running.ended.done() or running.turn.target is Target.ASSISTANT:
            return None
        turn = running.turn
        same = (turn.user_id, turn.channel) == (acceptance.user_id, acceptance.channel)
        return running if same else None

    async def _join(self, acceptance: Acceptance, host: RunningTurn | None) -> Turn | None:
        """Make a message part of the host's turn in the store, where it is next in the queue; notify its sender."""
        notices = acceptance.queued or (lambda _: ())
        return await self._store.join(
            acceptance.message_id,
            host.turn.id if host is not None else None,
            joined=notices(0),
            queued=notices,
            now_ms=self._clock(),
        )
