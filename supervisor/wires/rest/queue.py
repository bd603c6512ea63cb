"""REST: the queue of messages that wait for their turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Path, Query

from supervisor.operations.queue import QueueOperations
from supervisor.protocol.messages import SessionId
from supervisor.protocol.times import rfc3339
from supervisor.protocol.values.record import record
from supervisor.wires.http.auth import Calling
from supervisor.wires.rest.resource import Endpoint, Limit


@record
class QueuedMessage:
    """A message in the queue; `place` is the position that its sender is told: 1 = it is next.

    It counts all turns of the conversation, those of other users too, and those that keep the project busy.

    `message` is empty where the caller may see that a message waits, but not read it.
    """

    message_id: str
    session_id: str | None
    user_id: str
    project: str
    channel: str
    place: int
    message: str
    accepted_at: str


@record
class QueuedMessages:
    """The queue, oldest message first."""

    queue: Sequence[QueuedMessage]


class QueueRoutes:
    """The routes of the queue."""

    def __init__(self, queue: QueueOperations) -> None:
        self._queue = queue

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("GET", "/api/queue", self.queue),
            Endpoint("DELETE", "/api/messages/{message_id}", self.cancel, 204),
        ]

    async def queue(
        self,
        caller: Calling,
        session_id: Annotated[str | None, Query(max_length=256)] = None,
        limit: Annotated[Limit, Query()] = 100,
    ) -> QueuedMessages:
        """Return the messages that wait for their turn."""
        turns = await self._queue.list(caller, SessionId(session_id) if session_id else None, limit=limit)
        queued = []
        for turn, position in zip(turns, await self._queue.positions(turns), strict=True):
            queued.append(
                QueuedMessage(
                    message_id=turn.message_id,
                    session_id=turn.session_id,
                    user_id=turn.user_id,
                    project=turn.project,
                    channel=turn.channel,
                    place=position,
                    message=turn.text[:200],
                    accepted_at=rfc3339(turn.accepted_ms),
                )
            )
        return QueuedMessages(queue=queued)

    async def cancel(self, caller: Calling, message_id: Annotated[str, Path(max_length=64)]) -> None:
        """Remove a message from the queue; 409 if its turn has started: interrupt the session instead."""
        await self._queue.cancel(caller, message_id)
