"""Reaps sessions that no turn has used for some time."""

from __future__ import annotations

import logging

from supervisor.protocol.status import EndReason
from supervisor.sessions.pool import SessionPool
from supervisor.sessions.transitions import SessionTransitions

logger = logging.getLogger(__name__)

QUIET_SECONDS = 60.0
"""Seconds without a turn after which an active session is marked idle (docs/protocol.md)."""


class Reaper:
    """Marks quiet sessions idle, closes idle ones, and drops from memory those that failed long ago.

    Args:
        idle_timeout: seconds without a turn until a session's process is closed; 0 = never.
    """

    def __init__(self, pool: SessionPool, transitions: SessionTransitions, *, idle_timeout: float) -> None:
        self._pool = pool
        self._transitions = transitions
        self._idle_timeout = idle_timeout

    @property
    def interval(self) -> float:
        """The pause between two calls of `reap`, in seconds."""
        return min(5.0, max(0.2, self._idle_timeout / 4)) if self._idle_timeout else 5.0

    async def reap(self) -> int:
        """Close the sessions that were idle for too long, never one with a turn; return how many.

        Raises:
            StorageError: a status could not be stored.
        """
        await self.note_quiet()
        self._pool.forget_unused()
        if not self._idle_timeout:
            return 0
        idle = self._pool.idle(longer_than=self._idle_timeout)
        closed = await self._pool.close_idle(idle, EndReason.IDLE) if idle else 0
        if closed:
            logger.info("closed %d idle sessions", closed)
        return closed

    async def note_quiet(self) -> None:
        """Mark the active sessions idle that have had no turn for a minute.

        Raises:
            StorageError: the status could not be stored.
        """
        quiet = self._pool.idle(longer_than=QUIET_SECONDS)
        sessions = [session for session_id in quiet if (session := self._pool.live(session_id)) is not None]
        await self._transitions.note_quiet(sessions)
