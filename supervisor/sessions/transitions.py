"""Transitions of sessions: feeds events to the state machine and carries out the effects."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from supervisor.protocol.status import EndReason, SessionStatus
from supervisor.protocol.times import Clock, now_ms
from supervisor.sessions.announcer import SessionAnnouncer
from supervisor.sessions.lifecycle import CloseAsked, CloseProcess, Event, ProcessExited, Record, WentQuiet
from supervisor.sessions.live import LiveSession
from supervisor.sessions.processes import SessionProcesses
from supervisor.store.ports.sessions import SessionStore

PARALLEL_CLOSES = 32
"""Number of idle processes that are closed at the same time."""


class SessionTransitions:
    """Takes events of sessions, stores and announces the new status, and closes the process where that is an effect."""

    def __init__(
        self,
        *,
        store: SessionStore,
        processes: SessionProcesses,
        announcer: SessionAnnouncer,
        clock: Clock = now_ms,
    ) -> None:
        self._store = store
        self._processes = processes
        self._announcer = announcer
        self._clock = clock

    async def on(self, session: LiveSession, event: Event) -> None:
        """Take an event of one session and carry out its effects.

        Raises:
            StorageError: the new status could not be stored.
        """
        for effect in session.lifecycle.on(event):
            match effect:
                case Record(status, reason):
                    started = session.prompted or None
                    await self._store.set_status(
                        session.id, status, reason=reason, started=started, now_ms=self._clock()
                    )
                    await self._announcer.announce(session)
                case CloseProcess():
                    await self._processes.close(session)
                    await self.on(session, ProcessExited())

    async def note_quiet(self, sessions: Sequence[LiveSession]) -> None:
        """Mark the active ones of some sessions idle, in one transaction.

        Raises:
            StorageError: the status could not be stored.
        """
        moved = [session for session in sessions if session.lifecycle.on(WentQuiet())]
        if moved:
            ids = [session.id for session in moved]
            await self._store.set_status_many(ids, SessionStatus.IDLE, now_ms=self._clock())
            await self.announce(moved)

    async def close_many(self, sessions: Sequence[LiveSession], reason: EndReason) -> None:
        """Close sessions whose locks the caller holds, and store their end in one transaction; it is not announced.

        Raises:
            StorageError: the processes are closed, but the status could not be stored.
        """
        for session in sessions:
            session.lifecycle.on(CloseAsked(reason))
        left = iter(sessions)

        async def close_the_rest() -> None:
            for session in left:
                await self._processes.close(session)
                session.lifecycle.on(ProcessExited())

        # A fixed number of tasks: one for each session takes longer than most of the closes.
        await asyncio.gather(*(close_the_rest() for _ in range(min(len(sessions), PARALLEL_CLOSES))))
        if sessions:
            ids, gone = [session.id for session in sessions], SessionStatus.DISCONNECTED
            await self._store.set_status_many(ids, gone, reason=reason, now_ms=self._clock())

    async def announce(self, sessions: Sequence[LiveSession]) -> None:
        """Publish the stored status of sessions."""
        for session in sessions:
            await self._announcer.announce(session)
