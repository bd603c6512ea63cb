"""Replies in trouble: those that wait for long and hold up the replies behind them, and those that were given up."""

from __future__ import annotations

from supervisor.protocol.messages import UserId
from supervisor.protocol.times import DAY_MS, Clock, now_ms
from supervisor.store.ports.outbox import OutboxStore
from supervisor.store.records.outbox import OutboxRow

LATE_MS = 10 * 60_000
"""A reply that has waited longer than this is late."""

GIVEN_UP_MS = DAY_MS
"""How long a reply that was given up is listed."""

MOST_READ = 1000
"""The most late replies that one look reads."""


class ReplyTrouble:
    """Finds replies in trouble for operators: `/readyz`, `xswarm doctor` and `xswarm claude queue`.

    Args:
        clock: milliseconds UTC.

    Attributes:
        late_channels: the channels that had late replies at the last `look`.
    """

    def __init__(self, store: OutboxStore, *, clock: Clock = now_ms) -> None:
        self._store = store
        self._clock = clock
        self.late_channels: frozenset[str] = frozenset()

    async def look(self) -> None:
        """Look which channels have late replies; a job does it, because anybody may ask /readyz at any rate."""
        late = await self._store.late(before_ms=self._clock() - LATE_MS, user_id=None, limit=MOST_READ)
        self.late_channels = frozenset(row.channel for row in late)

    async def list(self, user_id: UserId | None, *, limit: int) -> list[OutboxRow]:
        """Return the late replies, oldest first, then those that were given up within a day, newest first.

        Args:
            user_id: only replies to this user; None = to anybody.
        """
        now = self._clock()
        late = await self._store.late(before_ms=now - LATE_MS, user_id=user_id, limit=limit)
        given_up = await self._store.given_up(since_ms=now - GIVEN_UP_MS, user_id=user_id, limit=limit)
        return [*late, *given_up][:limit]
