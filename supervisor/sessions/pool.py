"""The pool of sessions: one process per session at any time, and no more processes than are allowed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from supervisor.approvals.asking import Approvals
from supervisor.people.projects import Project
from supervisor.protocol import conversation as talk
from supervisor.protocol.errors import ConnectionFailed, StorageError
from supervisor.protocol.messages import MessageId, SessionId
from supervisor.protocol.ports.connector import Conversation
from supervisor.protocol.status import EndReason
from supervisor.runtime.cancellation import shielded
from supervisor.runtime.fair_queue import FairQueue
from supervisor.sessions.lifecycle import CloseAsked, Opened, OpenFailed, Opening, ProcessExited
from supervisor.sessions.live import LOOK_SECONDS, Claim, LiveSession, home_of
from supervisor.sessions.processes import SessionProcesses
from supervisor.sessions.transitions import SessionTransitions
from supervisor.spending.spending import Spending
from supervisor.store.records.session import Session

logger = logging.getLogger(__name__)

FORGET_SECONDS = 3600.0
"""Seconds after which a session without a process leaves memory, and with it the count of its failures."""


class SessionPool:
    """The sessions in memory, and the processes that they share.

    Args:
        approvals: asked to suspend a turn whose question holds a process that others need.
        queue: waits for free processes, first come first served, users in turn.
        own_folders: the daemon's own; below the first one, state.dir, each session has its home.
        max_processes: when all are in use, the least recently used idle one is evicted.
        own: as of `LiveSession`.
    """

    def __init__(
        self,
        *,
        processes: SessionProcesses,
        transitions: SessionTransitions,
        spending: Spending,
        approvals: Approvals,
        queue: FairQueue,
        own_folders: Sequence[Path],
        max_processes: int,
        own: Sequence[str] = (),
    ) -> None:
        self._processes = processes
        self._transitions = transitions
        self._spending = spending
        self._approvals = approvals
        self._queue = queue
        self._own_folders = own_folders
        self._own = own
        self.max_processes = max_processes
        self._sessions: dict[SessionId, LiveSession] = {}
        self._starting = 0  # processes that are being started count before they exist
        self._accepting = True

    def live(self, session_id: SessionId) -> LiveSession | None:
        """Return a session that is in memory."""
        return self._sessions.get(session_id)

    def take(self, record: Session, project: Project) -> LiveSession:
        """Return a session in memory; a record that is new here is taken into memory."""
        session = self._sessions.get(record.id)
        if session is None:
            meter = self._spending.meter(record.id, record.user_id, record.id)
            session = LiveSession(record, project, meter, self._own_folders, own=self._own)
            self._sessions[record.id] = session
        return session

    def reopen(self, session_id: SessionId) -> None:
        """Let the next message start a session that has ended by its limit, where it is still in memory."""
        if (session := self._sessions.get(session_id)) is not None:
            session.lifecycle.reopen()

    def live_count(self) -> int:
        """Return how many sessions are neither disconnected nor in error; all of these are in memory."""
        return sum(session.lifecycle.status.live for session in self._sessions.values())

    def has_live(self, count: int) -> bool:
        """Return whether at least `count` sessions are live; cheaper than `live_count` while few are in memory."""
        return len(self._sessions) >= count and self.live_count() >= count

    def live_count_of(self, user_id: str) -> int:
        """Return how many sessions of one user are neither disconnected nor in error."""
        return sum(one.lifecycle.status.live for one in self._sessions.values() if one.record.user_id == user_id)

    def in_memory(self) -> list[LiveSession]:
        """Return the sessions in memory."""
        return list(self._sessions.values())

    def with_process(self) -> list[LiveSession]:
        """Return the sessions that have a process, or a turn."""
        return [one for one in self._sessions.values() if one.conversation is not None or not one.reapable]

    def process_count(self) -> int:
        """Return how many conversations are open."""
        return sum(session.conversation is not None for session in self._sessions.values())

    def idle(self, *, longer_than: float) -> list[SessionId]:
        """Return the sessions with a process and without a turn for more than some seconds, longest first."""
        now = time.monotonic()
        idle = [s for s in self._sessions.values() if s.conversation and s.reapable and now - s.used > longer_than]
        return [session.id for session in sorted(idle, key=lambda session: session.used)]

    def claim(self, session: LiveSession) -> Claim:
        """Keep a session's process from being reaped or evicted, as long as a `with` block lasts."""
        return Claim(session, self._queue.wake_next)

    async def trace(self, record: Session, key: MessageId) -> talk.Trace:
        """Return how far a prompt got whose process died with an earlier daemon."""
        if self._own and record.node not in ("", *self._own):
            return talk.Trace()  # what is here of the conversation is older, and says nothing
        return await self._processes.trace(home_of(self._own_folders[0], record), record.conversation_id, key)

    def opened(self, session: LiveSession) -> Conversation | None:
        """Return the conversation of a session if it can take a prompt at once; None = `open` has to look."""
        if session.conversation is None or not self._accepting or session.lock.locked():
            return None
        return None if session.turn is None and session.has_moved(within=LOOK_SECONDS) else session.conversation

    async def open(self, session: LiveSession, *, patience: float | None = None) -> Conversation:
        """Return the conversation of a session; it is started or resumed where the session has no process.

        Args:
            patience: seconds to wait for a free process, for a person who connects; None = as long as it takes.

        Raises:
            ConnectionFailed: the process did not start.
            StorageError: the status could not be stored.
        """
        if (conversation := self.opened(session)) is not None:
            return conversation
        if session.conversation is not None and session.turn is None and session.has_moved():
            logger.warning("%s: closed, because its project's folder was moved or replaced", session.id)
            await self.close(session.id, EndReason.EVICTED)
        while True:
            try:
                async with asyncio.timeout(patience):
                    await self._wait_for_slot(session)
            except TimeoutError:
                raise ConnectionFailed("every process is busy", "try again later, or raise max_processes") from None
            async with session.lock:
                if session.conversation is not None:
                    return session.conversation
                if patience is None and not session.lifecycle.resumes_by_itself:
                    raise ConnectionFailed("the session was closed meanwhile")
                if not self._is_full():
                    return await self._start(session)

    @shielded  # otherwise another process might start beside the one that is being closed
    async def close(self, session_id: SessionId, reason: EndReason) -> bool:
        """Close a session's process, or end the session where it has none; False = the session is not in memory.

        Raises:
            StorageError: the process is closed, but the status could not be stored.
        """
        session = self._sessions.get(session_id)
        if session is None:
            return False
        async with session.lock:
            try:
                await self._transitions.on(session, CloseAsked(reason))
            except StorageError:
                await self._processes.close(session)  # a failing store keeps no process alive
                raise
            if session.conversation is None:
                await self._processes.close(session)  # a suspended turn, which has no process, ends too
        self.forget(session)
        return True

    async def suspend(self, session: LiveSession) -> None:
        """Close the process of a session whose turn waits for a person; neither the turn nor the session ends.

        Raises:
            StorageError: the process is closed, but the status could not be stored.
        """
        session.suspending = True
        try:
            await self.close(session.id, EndReason.EVICTED)
        finally:
            session.suspending = False

    async def close_all(self, reason: EndReason) -> None:
        """Close every process at once; no process starts any more."""
        self._accepting = False
        self._queue.wake_all()
        ids = list(self._sessions)
        results = await asyncio.gather(*(self.close(session_id, reason) for session_id in ids), return_exceptions=True)
        for session_id, result in zip(ids, results, strict=True):
            if isinstance(result, BaseException):  # the other sessions are closed nevertheless
                logger.error("%s: it could not be closed: %s", session_id, result)

    @shielded
    async def close_idle(self, session_ids: Sequence[SessionId], reason: EndReason) -> int:
        """Close those of some sessions that are still without a turn, with one write for all; return how many.

        Raises:
            StorageError: the processes are closed, but the status could not be stored.
        """
        sessions = [session for i in session_ids if (session := self._sessions.get(i)) and session.reapable]
        for session in sessions:
            await session.lock.acquire()  # the lock is free, so this does not wait; from now on `open` waits for it
        try:
            await self._transitions.close_many(sessions, reason)
        finally:
            for session in sessions:
                session.lock.release()
                self.forget(session)
        await self._transitions.announce(sessions)
        return len(sessions)

    def forget_unused(self) -> None:
        """Drop from memory the sessions that failed long ago; they are kept for their count of failures."""
        now = time.monotonic()
        for session in [one for one in self._sessions.values() if now - one.used > FORGET_SECONDS]:
            self.forget(session)

    async def _wait_for_slot(self, session: LiveSession) -> None:
        """Evict the least recently used idle process while there are too many, or wait until one is idle.

        Raises:
            ConnectionFailed: no process starts any more.
        """
        first = not self._queue.contended
        while self._accepting and session.conversation is None:
            if first and not self._is_full():
                return
            idle = [i for i in self.idle(longer_than=-1.0) if i != session.id] if first else []
            if not idle or not await self.close_idle(idle[:1], EndReason.EVICTED):
                self._approvals.give_way()
                await self._queue.wait(session.record.user_id)
                first = True
        if not self._accepting:
            raise ConnectionFailed("the daemon is shutting down")

    def _is_full(self) -> bool:
        # Every session with a process is in memory: as long as fewer are in memory, none need be counted.
        most = self.max_processes
        return len(self._sessions) >= most and self.process_count() + self._starting >= most

    async def _start(self, session: LiveSession) -> Conversation:
        """Start the process of a session whose lock the caller holds."""
        self._starting += 1
        try:
            await self._transitions.on(session, Opening())
            session.note_folder()
            conversation = await self._processes.start(session)
        except ConnectionFailed as error:
            await self._transitions.on(session, OpenFailed(error.why))
            raise
        except asyncio.CancelledError:  # nothing has failed: the session counts as closed
            await asyncio.shield(self._transitions.on(session, CloseAsked(EndReason.CONNECTION)))
            raise
        finally:
            self._starting -= 1
            self._queue.wake_next()
        session.conversation = conversation
        session.used = time.monotonic()
        session.pump = asyncio.create_task(self._pump(session, conversation), name=f"pump {session.id}")
        await self._transitions.on(session, Opened())
        return conversation

    async def _pump(self, session: LiveSession, conversation: Conversation) -> None:
        """Read a conversation until its process ends, and store that end unless it was asked for."""
        why = await self._processes.read(session, conversation)
        if why is None:
            return
        try:
            await self._transitions.on(session, ProcessExited(why))
        except StorageError as error:
            logger.error("%s: its end could not be recorded: %s", session.id, error)
        self._queue.wake_next()

    def forget(self, session: LiveSession) -> None:
        """Drop a session without a process from memory; its record holds all that matters."""
        # Another one may have taken its place in memory.
        if session.conversation is None and session.reapable and self._sessions.get(session.id) is session:
            del self._sessions[session.id]
