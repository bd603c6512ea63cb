"""Operations on sessions: connect, disconnect, interrupt."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from supervisor.operations.queries import Queries
from supervisor.operations.session_limits import SessionLimits
from supervisor.people.identity import Caller
from supervisor.people.projects import Project, Projects
from supervisor.protocol import events
from supervisor.protocol.conversation import Tap
from supervisor.protocol.errors import (
    InvalidMessage,
    NotAllowed,
    SessionNotActive,
    SessionNotFound,
)
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import EndReason, SessionStatus
from supervisor.protocol.times import Clock, now_ms, rfc3339
from supervisor.sessions.pool import SessionPool
from supervisor.store.ports.sessions import SessionStore
from supervisor.store.records.accounts import User
from supervisor.store.records.session import NewSession, Session
from supervisor.turns.scheduler import TurnScheduler

ONE_TURN_TO_END_SECONDS = 15.0
"""How long a disconnect waits for the turn that it interrupted to end, in seconds."""

PROCESS_WAIT_SECONDS = 30.0
"""How long a connect waits for a free process while all processes are busy, in seconds."""


class SessionOperations:
    """Connects, disconnects and interrupts sessions for a caller.

    Args:
        turn_to_end_seconds: how long a disconnect waits for the turn that it interrupted.
        process_wait_seconds: how long a connect waits for a free process.
    """

    def __init__(
        self,
        *,
        store: SessionStore,
        queries: Queries,
        projects: Projects,
        pool: SessionPool,
        turns: TurnScheduler,
        limits: SessionLimits,
        turn_to_end_seconds: float = ONE_TURN_TO_END_SECONDS,
        process_wait_seconds: float = PROCESS_WAIT_SECONDS,
        clock: Clock = now_ms,
    ) -> None:
        self._store = store
        self._queries = queries
        self._projects = projects
        self._pool = pool
        self._turns = turns
        self._limits = limits
        self._turn_to_end_seconds = turn_to_end_seconds
        self._process_wait_seconds = process_wait_seconds
        self._clock = clock

    async def connect(
        self,
        caller: Caller,
        session_id: SessionId,
        project_path: str,
        user_id: str,
        *,
        model: str | None = None,
        tap: Tap | None = None,
    ) -> events.ClaudeCodeConnected:
        """Create, resume or attach to a session; return once its process answers.

        Args:
            model: replaces the project's model; None = the project's model.
            tap: is called with each line that Claude Code writes.

        Raises:
            UserNotFound, NotAllowed: the caller may not act for this user, or the user may not start sessions.
            SessionNotFound: the session belongs to another user and is not shared with this one.
            ProjectNotAllowed, InvalidMessage: the path is not the user's, or not the path of this session.
            MaxSessions, ConnectionFailed: no room, or the process did not start.
        """
        user = self._queries.user(caller, user_id)
        if not user.role.may_prompt:
            raise NotAllowed(f"role {user.role} may not start sessions")
        project, real_path = self._projects.at(user, project_path)
        with self._limits.reserve(user.id, session_id):
            live = self._pool.live(session_id)
            session = live.record if live is not None else await self._record(user, session_id, project, real_path)
            if not self._projects.is_open_to(user, session):
                raise SessionNotFound(session_id)
            if session.project_path != real_path:
                raise InvalidMessage(
                    "claude_code_connect.project_path", f"must be the session's own: {session.project_path}"
                )
            resumed = not self._queries.lifecycle(session).status.live
            live = self._pool.take(session, replace(project, model=model) if model else project)
            live.asked_for(tap)
            with self._pool.claim(live):
                await self._pool.open(live, patience=self._process_wait_seconds)
        return events.ClaudeCodeConnected(session_id=session_id, timestamp=self._now(), resumed=resumed)

    async def _record(self, user: User, session_id: SessionId, project: Project, path: str) -> Session:
        """Return the stored session of an id, which may be another user's; create it for this user if the id is new.

        Raises:
            SessionNotFound: the id is that of a deleted chat.
        """
        fresh = NewSession(
            id=session_id,
            user_id=user.id,
            project=project.name,
            project_path=path,
            conversation_id=uuid7(),
            thread=f"session:{session_id}",
            shared=project.shared,
        )
        # One transaction for both cases: a read before the write would cost a second round trip to the store.
        session = await self._store.create(fresh, status=SessionStatus.CONNECTING, now_ms=self._clock())
        if session is None:
            raise SessionNotFound(session_id)
        return session

    async def disconnect(self, caller: Caller, session_id: SessionId) -> events.ClaudeCodeDisconnected:
        """End a session on purpose: cancel its queue, interrupt its turn, close its process.

        Raises:
            SessionNotFound: there is none that the caller may see.
            SessionNotActive: it has ended already.
        """
        session = await self._queries.session(caller, session_id)
        if not self._queries.lifecycle(session).resumes_by_itself:
            raise SessionNotActive(session_id)
        await self._turns.cancel_waiting(session_id, "the session was disconnected")
        turn = await self._turns.interrupt(session_id, caller.name)
        if turn is not None:
            await asyncio.wait([turn.ended], timeout=self._turn_to_end_seconds)
        if not await self._pool.close(session_id, EndReason.USER):
            await self._store.set_status(
                session_id, SessionStatus.DISCONNECTED, reason=EndReason.USER, now_ms=self._clock()
            )
        return events.ClaudeCodeDisconnected(session_id=session_id, reason=EndReason.USER.value, timestamp=self._now())

    async def interrupt(self, caller: Caller, session_id: SessionId) -> events.ClaudeCodeInterrupted:
        """Stop the running turn of a session; does nothing where none runs.

        Raises:
            SessionNotFound: there is none that the caller may see.
        """
        await self._queries.session(caller, session_id)
        by = caller.name
        turn = await self._turns.interrupt(session_id, by) or await self._turns.interrupt_next(session_id, by)
        return events.ClaudeCodeInterrupted(
            session_id=session_id,
            message_id=turn.turn.message_id if turn is not None else None,
            partial=bool(turn is not None and turn.text),
            timestamp=self._now(),
        )

    def _now(self) -> str:
        return rfc3339(self._clock())
