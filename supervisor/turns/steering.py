"""Steering: sends a message into the running turn of its lane, at once or when the turn next calls its model."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from supervisor.cluster.files import Files
from supervisor.delivery.hub import Hub
from supervisor.protocol import conversation as talk
from supervisor.protocol.errors import ConnectionFailed, StorageError
from supervisor.protocol.messages import MessageId, ProjectName, UserId
from supervisor.protocol.status import Target
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.ports.turns import TurnStore
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.turn import Turn
from supervisor.turns.lanes.lane import Lane
from supervisor.turns.prompts import prompt_of
from supervisor.turns.running.tool_events import ToolEvents
from supervisor.turns.running.turn import BROKE, RunningTurn

logger = logging.getLogger(__name__)


class Steered(Protocol):
    """An accepted message that waits, as `Acceptance` has it."""

    @property
    def message_id(self) -> MessageId: ...
    @property
    def lane(self) -> str: ...
    @property
    def project(self) -> ProjectName: ...
    @property
    def user_id(self) -> UserId: ...
    @property
    def channel(self) -> str: ...
    @property
    def way(self) -> str: ...
    @property
    def queued(self) -> Callable[[int], Sequence[OutboxDraft]] | None: ...


class Steering:
    """Sends accepted messages into running turns.

    A message joins only a turn of the same user and channel, because rights, limits, questions and the proof of
    identity are those of the turn. The costs of the message count for that turn and within its limits, until the
    message runs as a turn of its own.

    A turn of the assistant cannot be given a message in the middle of a call of the model: the message waits in the
    queue, and joins where the turn calls its model again after a tool call. Otherwise it gets a turn of its own.

    Args:
        files: brings what people attached at other nodes.
        steers: whether the connector of Claude Code takes messages into a running turn.
    """

    def __init__(
        self,
        *,
        store: TurnStore,
        hub: Hub,
        tools: ToolEvents,
        files: Files,
        steers: bool,
        clock: Clock = now_ms,
    ) -> None:
        self._store = store
        self._hub = hub
        self._tools = tools
        self._files = files
        self._steers = steers
        self._clock = clock

    async def steer(self, lane: Lane | None, acceptance: Steered) -> bool:
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
            if host is not None and host.turn.target is Target.ASSISTANT:
                host.offered.append(acceptance.message_id)
                host = None
            part = await self._join(acceptance, host)
            conversation = lane.conversation
            if host is None or conversation is None or part is None:
                return False
            steered = RunningTurn(part, self._hub, self._tools.recorder())
            host.joined.append(steered)
            try:
                await conversation.prompt(prompt_of(await self._files.brought(part)))
                steered.given = True
                if host.ended.done() and host.on_end is not None and host.following is steered:
                    host.on_end(steered)  # the host ended before this was given, so it knew of nothing that runs on
            except ConnectionFailed as error:  # it runs as a turn of its own, after the running one
                logger.warning("%s: it could not be sent into the running turn: %s", part.message_id, error.why)
            except Exception:  # the prompt may have been written, so it must not be written again
                logger.exception("%s: the connector broke", part.message_id)
                steered.given = True
                steered.fail(BROKE)
        return True

    async def join_offered(self, lane: Lane, host: RunningTurn) -> Sequence[talk.Prompt]:
        """Make the messages that were offered to a turn of the assistant part of it; return their prompts.

        A message that cannot join, because another one waits before it or it was cancelled, keeps its position.
        """
        # A turn that is interrupted meanwhile must not cut off what is half stored: it waits for the lane's gate.
        parts = await asyncio.shield(asyncio.create_task(self._join_all(lane, host), name=f"join {lane.name}"))
        for part in parts:
            part.given = True
        return [prompt_of(await self._files.brought(part.turn)) for part in parts]

    async def _join_all(self, lane: Lane, host: RunningTurn) -> Sequence[RunningTurn]:
        parts: list[RunningTurn] = []
        async with lane.gate:
            while host.offered and not host.ended.done():
                message_id = host.offered.popleft()
                try:
                    turn = await self._store.join(
                        message_id, host.turn.id, joined=(), queued=lambda _: (), now_ms=self._clock()
                    )
                except StorageError as error:
                    logger.error("%s: it could not join the running turn: %s", message_id, error)
                    continue
                if turn is not None:
                    parts.append(RunningTurn(turn, self._hub, self._tools.recorder(whole=True)))
            host.joined += parts
        return parts

    def _host(self, lane: Lane, acceptance: Steered) -> RunningTurn | None:
        """Return the running turn that a message may join."""
        running = lane.running
        if running is None or running.ended.done() or lane.conversation is None:
            return None
        turn = running.turn
        if turn.target is not Target.ASSISTANT and not (self._steers and running.given):
            return None
        # The questions of the running turn are those of its own way: a message by another way must not share them.
        same = (turn.user_id, turn.channel, turn.way) == (acceptance.user_id, acceptance.channel, acceptance.way)
        return running if same else None

    async def _join(self, acceptance: Steered, host: RunningTurn | None) -> Turn | None:
        """Make a message part of the host's turn in the store, where it is next in the queue; notify its sender."""
        notices = acceptance.queued or (lambda _: ())
        return await self._store.join(
            acceptance.message_id,
            host.turn.id if host is not None else None,
            joined=notices(0),
            queued=notices,
            now_ms=self._clock(),
        )
