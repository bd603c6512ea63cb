"""The queue of messages, for callers: list the queued messages and remove one.

The modes of the queue and the sentences about a position in it are in `supervisor/protocol/queue.py`; the sender of a
message is told the position by `supervisor/intake/position.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from supervisor.delivery.replies import dropped
from supervisor.delivery.waiters import Waiters
from supervisor.operations.queries import Queries
from supervisor.people.identity import Caller
from supervisor.protocol.errors import MessageNotFound, XswarmError
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import TurnState
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.ports.turns import TurnStore
from supervisor.store.records.turn import Turn
from supervisor.turns.outcomes import failure
from supervisor.turns.scheduler import TurnScheduler


class MessageNotWaiting(XswarmError):
    """A message that is running or has ended cannot be removed from the queue."""

    code = "message_not_waiting"
    remedy = "`xswarm claude interrupt` stops a running turn"

    def __init__(self, message_id: str) -> None:
        super().__init__(message_id)
        self.message_id = message_id

    def __str__(self) -> str:
        return f"Message is not queued: {self.message_id}"


class QueueOperations:
    """Lists and removes queued messages, each caller within their rights."""

    def __init__(
        self,
        *,
        store: TurnStore,
        queries: Queries,
        turns: TurnScheduler,
        waiters: Waiters,
        clock: Clock = now_ms,
    ) -> None:
        self._store = store
        self._queries = queries
        self._turns = turns
        self._waiters = waiters
        self._clock = clock

    async def positions(self, turns: Sequence[Turn]) -> list[int]:
        """Return the position of each of some queued messages, counted as their senders were told: 1 = it is next."""
        return [max(1, ahead) for ahead in await self._store.positions(turns)]

    async def list(self, caller: Caller, session_id: SessionId | None, *, limit: int) -> list[Turn]:
        """Return the queued messages of a caller, oldest first; overseers get those of all, without texts of others.

        Args:
            session_id: only those of one session; None = those of all.

        Raises:
            SessionNotFound: there is no session whose record the caller may read.
        """
        if session_id is not None:
            await self._queries.readable_session(caller, session_id)
        turns = await self._store.waiting(lane=session_id, user_id=self._queries.own_scope(caller), limit=limit)
        return [turn if caller.may_act_for(turn.user_id) else replace(turn, text="", gathered=()) for turn in turns]

    async def cancel(self, caller: Caller, message_id: str) -> None:
        """Remove a message from the queue; its sender and the callers that wait for its answer are told.

        Raises:
            MessageNotFound: there is none that the caller may see.
            MessageNotWaiting: it is running or has ended.
        """
        found = await self._queries.result(caller, message_id)
        if found is None:
            raise MessageNotFound(message_id)
        turn, why = found.turn, f"it was removed from the queue by {caller.name}"
        is_queued = found.state is TurnState.PENDING
        if not is_queued or not await self._store.cancel(turn.id, why, dropped(why)(turn), now_ms=self._clock()):
            raise MessageNotWaiting(message_id)
        self._turns.note_removed(1)
        self._waiters.fail(turn.message_id, failure(turn, why))
