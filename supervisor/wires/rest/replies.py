"""REST: the replies that do not leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query

from supervisor.delivery.trouble import ReplyTrouble
from supervisor.operations.queries import Queries
from supervisor.protocol.times import rfc3339
from supervisor.protocol.values.record import record
from supervisor.store.records.outbox import OutboxRow
from supervisor.wires.http.auth import Calling
from supervisor.wires.rest.resource import Endpoint, Limit


@record
class Reply:
    """A reply that leaves by a channel; `reason` says why its last attempt failed, or why it did not arrive.

    A reply is late (`pending`, `sending`), was not delivered (`undelivered`) or was given up (`dead`); others left. The
    later replies to the same address wait for a late one.
    """

    reply_id: str
    message_id: str | None
    user_id: str | None
    channel: str
    state: str
    attempts: int
    reason: str
    created_at: str


def body_of(row: OutboxRow) -> Reply:
    """Return a stored reply as a body shows it."""
    return Reply(
        reply_id=row.id,
        message_id=row.message_id,
        user_id=row.user_id,
        channel=row.channel,
        state=row.state.value,
        attempts=row.attempts,
        reason=row.note,
        created_at=rfc3339(row.created_ms),
    )


@record
class TroubledReplies:
    """Late replies, oldest first, then those that did not arrive within a day, newest first."""

    replies: Sequence[Reply]


class ReplyRoutes:
    """The route of the replies that do not leave."""

    def __init__(self, trouble: ReplyTrouble, queries: Queries) -> None:
        self._trouble = trouble
        self._queries = queries

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [Endpoint("GET", "/api/replies", self.replies)]

    async def replies(self, caller: Calling, limit: Annotated[Limit, Query()] = 100) -> TroubledReplies:
        """Return the replies that wait for more than ten minutes, and those that did not arrive within a day."""
        return TroubledReplies(
            replies=[body_of(row) for row in await self._trouble.list(self._queries.own_scope(caller), limit=limit)]
        )
