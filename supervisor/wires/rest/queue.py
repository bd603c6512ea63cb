"""REST: messages that wait for their turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query

from supervisor.operations.queue import QueueOperations
from supervisor.protocol.limits import Between
from supervisor.protocol.messages import SessionId
from supervisor.protocol.times import rfc3339
from supervisor.wires.http.auth import Calling, documented
from supervisor.wires.rest.answers import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A message that waits; `place` counts from 1 within its conversation."""

    message_id: str
    session_id: str | None
    user_id: str
    project: str
    channel: str
    place: int
    message: str
    accepted_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What waits, oldest first."""

    queue: Sequence[Waiting]


class QueueApi:
    """The routes, over what carries them out."""

    def __init__(self, queue: QueueOperations) -> None:
        self._queue = queue

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(responses={"default": {"model": Failure}})
        router.add_api_route("/api/queue", self.queue, methods=["GET"], dependencies=[documented])
        router.add_api_route(
            "/api/messages/{message_id}", self.cancel, methods=["DELETE"], status_code=204, dependencies=[documented]
        )
        return router

    async def queue(
        self,
        caller: Calling,
        session_id: Annotated[str | None, Query(max_length=256)] = None,
        limit: Annotated[int, Between(1, 500), Query()] = 100,
    ) -> Line:
        """Return the messages that wait for their turn."""
        places: dict[str, int] = {}
        waiting = []
        for turn in await self._queue.list(caller, SessionId(session_id) if session_id else None, limit=limit):
            places[turn.lane] = places.get(turn.lane, 0) + 1
            waiting.append(
                Waiting(
                    message_id=turn.message_id,
                    session_id=turn.session_id,
                    user_id=turn.user_id,
                    project=turn.project,
                    channel=turn.channel,
                    place=places[turn.lane],
                    message=turn.text[:200],
                    accepted_at=rfc3339(turn.accepted_ms),
                )
            )
        return Line(queue=waiting)

    async def cancel(self, caller: Calling, message_id: Annotated[str, Path(max_length=64)]) -> None:
        """Take a waiting message back; one that runs is interrupted instead."""
        await self._queue.cancel(caller, message_id)
