"""The ends of turns on other nodes, for the callers of this node that wait for them."""

from __future__ import annotations

from collections.abc import Collection

from supervisor.delivery.waiters import Waiters
from supervisor.protocol.errors import NotAllowed, XswarmError
from supervisor.protocol.status import Target, TurnState
from supervisor.store.ports.cluster.elsewhere import ElsewhereStore
from supervisor.store.ports.turns import TurnStore
from supervisor.store.records.result import Result
from supervisor.turns.outcomes import failure


class Ends:
    """Tells the waiting callers of this node what became of messages on other nodes."""

    def __init__(self, waiters: Waiters, turns: TurnStore, elsewhere: ElsewhereStore) -> None:
        self._waiters = waiters
        self._turns = turns
        self._elsewhere = elsewhere

    async def look(self, message_ids: Collection[str] | None) -> None:
        """Look for the ends of some messages; None = of all that somebody waits for.

        Raises:
            StorageError: the store could not be read.
        """
        awaited = self._waiters.awaited()
        wanted = awaited if message_ids is None else awaited.intersection(message_ids)
        for message_id in await self._elsewhere.ended(wanted):
            result = await self._turns.result(message_id)
            if result is None:
                continue
            try:
                self._waiters.resolve(message_id, answered(result))
            except XswarmError as error:
                self._waiters.fail(message_id, error)


def answered(result: Result) -> Result:
    """Return the result of a message that has ended, or raise the error that it stands for.

    Raises:
        NotAllowed: the message was refused.
        TurnFailed: it ended without an answer.
    """
    if result.turn.target is Target.REFUSED:
        raise NotAllowed(result.turn.reason)
    if result.state is TurnState.COMPLETED:
        return result
    raise failure(result.turn, "interrupted" if result.state is TurnState.CANCELLED else result.why)
