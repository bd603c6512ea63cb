"""The messages that wait for their turn: seen, and taken back, by whoever may."""

from __future__ import annotations

from supervisor.delivery.replies import dropped
from supervisor.delivery.waiters import Waiters
from supervisor.operations.queries import Queries
from supervisor.people.identity import Caller
from supervisor.protocol.errors import MessageNotFound, TurnFailed, XswarmError
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import TurnState
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.port import Store
from supervisor.store.records.turn import Turn
from supervisor.turns.scheduler import TurnScheduler


class MessageNotWaiting(XswarmError):
    """A message that runs, or has ended, is not taken back."""

    code = "message_not_waiting"
    remedy = "`xswarm claude interrupt` stops a turn that runs"

    def __init__(self, message_id: str) -> None:
        super().__init__(message_id)
        self.message_id = message_id

    def __str__(self) -> str:
        return f"Message does not wait: {self.message_id}"


class QueueOperations:
    """What waits, in the order in which it came."""

    def __init__(
        self,
        *,
        store: Store,
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

    async def list(self, caller: Caller, session_id: SessionId | None, *, limit: int) -> list[Turn]:
        """Return the waiting messages that a caller may see, oldest first.

        Raises:
            SessionNotFound.
        """
        if session_id is not None:
            await self._queries.session(caller, session_id)
        return await self._store.turns.waiting(lane=session_id, user_id=caller.user_id, limit=limit)

    async def cancel(self, caller: Caller, message_id: str) -> None:
        """Take a waiting message back; its sender is told, and whoever waits for its answer.

        Raises:
            MessageNotFound: there is none that the caller may see.
            MessageNotWaiting: it runs, or has ended.
        """
        found = await self._queries.result(caller, message_id)
        if found is None:
            raise MessageNotFound(message_id)
        turn, why = found.turn, f"it was removed from the queue by {caller.name}"
        waits = turn.state is TurnState.PENDING
        if not waits or not await self._store.turns.cancel(turn.id, why, dropped(why)(turn), now_ms=self._clock()):
            raise MessageNotWaiting(message_id)
        self._turns.backlog = max(0, self._turns.backlog - 1)
        self._waiters.fail(turn.message_id, TurnFailed(why))
