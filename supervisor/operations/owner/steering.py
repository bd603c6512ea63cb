"""Steering into a turn that runs on another node."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from supervisor.operations.owner.owners import Owners
from supervisor.protocol.errors import XswarmError
from supervisor.protocol.messages import MessageId, ProjectName, UserId
from supervisor.protocol.values.record import record
from supervisor.store.records.outbox import OutboxDraft
from supervisor.turns.lanes.lane import Lane
from supervisor.turns.scheduler import TurnScheduler
from supervisor.turns.steering import Steered, Steering

logger = logging.getLogger(__name__)


@record
class SteeredElsewhere:
    """A waiting message that another node has accepted; see `Steered`.

    Attributes:
        joined: the replies to its sender if it becomes part of a running turn. If not, the other node tells.
    """

    message_id: MessageId
    lane: str
    project: ProjectName
    user_id: UserId
    channel: str
    way: str
    joined: tuple[OutboxDraft, ...]

    def queued(self, ahead: int) -> Sequence[OutboxDraft]:
        """Return the replies to its sender, by the number of turns before it."""
        return () if ahead else self.joined


class SteeringAtOwner(Steering):
    """`Steering` of a node that may not be the one with the running turn.

    Args:
        parts: as of `Steering`.
    """

    def __init__(self, owners: Owners, **parts: Any) -> None:
        super().__init__(**parts)
        self._owners = owners

    def offer(self, turns: TurnScheduler) -> None:
        """Let the other nodes steer messages into the running turns of this one."""

        async def steer(message: SteeredElsewhere) -> bool:
            return await turns.steer(message)

        self._owners.offer("turns.steer", steer)

    async def steer(self, lane: Lane | None, acceptance: Steered) -> bool:
        """Send a waiting message into the running turn of its lane, where that runs; False = it keeps waiting.

        Raises:
            StorageError: the message keeps waiting.
        """
        node = await self._owners.elsewhere(acceptance.lane, acceptance.project)
        if node is None:
            return await super().steer(lane, acceptance)
        message = SteeredElsewhere(
            message_id=acceptance.message_id,
            lane=acceptance.lane,
            project=acceptance.project,
            user_id=acceptance.user_id,
            channel=acceptance.channel,
            way=acceptance.way,
            joined=tuple(acceptance.queued(0)) if acceptance.queued is not None else (),
        )
        try:
            if await self._owners.ask(node, "turns.steer", message=message):
                return True
        except XswarmError as error:
            logger.warning("%s: it could not be sent into the turn on node %s: %s", message.message_id, node, error)
        return await super().steer(None, acceptance)
