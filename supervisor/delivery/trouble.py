"""Replies in trouble: those that wait for long and hold up the replies behind them, and those that did not arrive."""

from __future__ import annotations

from supervisor.protocol.messages import UserId
from supervisor.protocol.times import DAY_MS, Clock, now_ms
from supervisor.store.ports.outbox import OutboxStore
from supervisor.store.records.outbox import OutboxRow

LATE_MS = 10 * 60_000
"""A reply that has waited longer than this is late."""

FAILED_MS = DAY_MS
"""How long a reply that did not arrive is listed."""


class ReplyTrouble:
    """Finds replies in trouble for operators: `xswarm doctor` and `xswarm claude queue`.

    /readyz says nothing of them: a reply is late because of a provider, and restarting us would not help.

    Args:
        clock: milliseconds UTC.
    """

    def __init__(self, store: OutboxStore, *, clock: Clock = now_ms) -> None:
        self._store = store
        self._clock = clock

    async def list(self, user_id: UserId | None, *, limit: int) -> list[OutboxRow]:
        """Return the late replies, oldest first, then those that did not arrive within a day, newest first.

        Args:
            user_id: only replies to this user; None = to anybody.
        """
        now = self._clock()
        late = await self._store.late(before_ms=now - LATE_MS, user_id=user_id, limit=limit)
        given_up = await self._store.given_up(since_ms=now - FAILED_MS, user_id=user_id, limit=limit)
        return [*late, *given_up][:limit]
