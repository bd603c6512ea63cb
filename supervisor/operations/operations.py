"""What a caller may ask of the daemon, whichever wire it came by; each answer is an event of the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from supervisor.commands.words import answers_question
from supervisor.config import ClaudeCode
from supervisor.delivery.waiters import Waiters
from supervisor.intake.intake import DEDUP_SECONDS, Intake
from supervisor.intake.submission import Submission, Taken
from supervisor.operations.queries import Queries
from supervisor.people.identity import Caller, Directory
from supervisor.people.projects import Project, Projects
from supervisor.protocol import events
from supervisor.protocol.conversation import Tap
from supervisor.protocol.errors import (
    IdempotencyConflict,
    InvalidMessage,
    MaxSessions,
    NotAllowed,
    ProjectNotAllowed,
    SessionNotActive,
    SessionNotFound,
    TurnFailed,
)
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import Address, Reply, SessionId, UserId
from supervisor.protocol.queueing import Mode
from supervisor.protocol.status import EndReason, SessionStatus, Target, TurnState
from supervisor.protocol.times import Clock, now_ms, rfc3339
from supervisor.routing.rules import Decision
from supervisor.sessions.lifecycle import Lifecycle
from supervisor.sessions.pool import SessionPool
from supervisor.store.port import Store
from supervisor.store.records import NewSession, Result, Session, User
from supervisor.turns.scheduler import TurnScheduler

ONE_TURN_TO_END_SECONDS = 15.0
"""How long a disconnect waits for the turn that it interrupted."""


PROCESS_WAIT_SECONDS = 30.0
"""How long a connect waits for a process while all are busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRequest:
    """What a request that starts work carries, whichever wire it came by.

    Attributes:
        external_id: makes its repetition answer the first answer again, for 24 h.
        digest: of the request's body, to tell a repetition from another request under the same id.
    """

    caller: Caller
    channel: str
    external_id: str | None = None
    digest: str = ""


class Operations:
    """The daemon's services to sockets, REST and the command line.

    Attributes:
        queries: what changes nothing.
    """

    def __init__(
        self,
        *,
        store: Store,
        directory: Directory,
        projects: Projects,
        queries: Queries,
        intake: Intake,
        sessions: SessionPool,
        turns: TurnScheduler,
        waiters: Waiters,
        claude_code: ClaudeCode,
        turn_to_end_seconds: float = ONE_TURN_TO_END_SECONDS,
        process_wait_seconds: float = PROCESS_WAIT_SECONDS,
        clock: Clock = now_ms,
    ) -> None:
        self.queries = queries
        self._store = store
        self._directory = directory
        self._projects = projects
        self._intake = intake
        self._sessions = sessions
        self._turns = turns
        self._waiters = waiters
        self._limits = claude_code
        self._turn_to_end_seconds = turn_to_end_seconds
        self._process_wait_seconds = process_wait_seconds
        self._clock = clock
        self._entering: dict[SessionId, UserId] = {}

    # -- sessions

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
        """Create, resume or attach to a session.

        Args:
            model: instead of the project's.
            tap: takes what Claude Code writes, line by line.

        Raises:
            UserNotFound, SessionNotFound, ProjectNotAllowed, InvalidMessage, MaxSessions, ConnectionFailed.
        """
        user = self.queries.user(caller, user_id)
        if not user.role.may_prompt:
            raise NotAllowed(f"role {user.role} may not start sessions")
        project, real_path = self._projects.at(user, project_path)
        known = self._sessions.live(session_id)
        with self._place(user, session_id, taken=known is not None and known.lifecycle.status.live):
            session = known.session if known is not None else await self._record(user, session_id, project, real_path)
            if not self._projects.is_open_to(user, session):
                raise SessionNotFound(session_id)
            if session.project_path != real_path:
                raise InvalidMessage(
                    "claude_code_connect.project_path", f"must be the session's own: {session.project_path}"
                )
            resumed = not self._lifecycle(session).status.live
            live = self._sessions.take(session, replace(project, model=model) if model else project)
            live.tap = tap
            with self._sessions.claim(live):
                live.lifecycle.failures = 0
                await self._sessions.open(live, patience=self._process_wait_seconds)
        return events.ClaudeCodeConnected(session_id=session_id, timestamp=self._now(), resumed=resumed)

    async def _record(self, user: User, session_id: SessionId, project: Project, path: str) -> Session:
        """Return the stored session of an id, whoever's it is; made for this user where there was none."""
        fresh = NewSession(
            id=session_id,
            user_id=user.id,
            project=project.name,
            project_path=path,
            conversation_id=uuid7(),
            thread=f"session:{session_id}",
            shared=project.shared,
        )
        # One step: to ask first whether there is one would take a second way to the store and back.
        return await self._store.sessions.create(fresh, status=SessionStatus.CONNECTING, now_ms=self._clock())

    async def disconnect(self, caller: Caller, session_id: SessionId) -> events.ClaudeCodeDisconnected:
        """End a session on purpose; a turn that runs is interrupted, what waits is dropped.

        Raises:
            SessionNotFound, SessionNotActive.
        """
        session = await self.queries.session(caller, session_id)
        if not self._lifecycle(session).resumes_by_itself:
            raise SessionNotActive(session_id)
        await self._turns.cancel_waiting(session_id, "the session was disconnected")
        running = await self._turns.interrupt(session_id)
        if running is not None:
            await asyncio.wait([running.ended], timeout=self._turn_to_end_seconds)
        if not await self._sessions.close(session_id, EndReason.USER):
            await self._store.sessions.set_status(
                session_id, SessionStatus.DISCONNECTED, reason=EndReason.USER, now_ms=self._clock()
            )
        return events.ClaudeCodeDisconnected(session_id=session_id, reason=EndReason.USER.value, timestamp=self._now())

    async def interrupt(self, caller: Caller, session_id: SessionId) -> events.ClaudeCodeInterrupted:
        """Stop the running turn of a session; harmless with nothing running.

        Raises:
            SessionNotFound.
        """
        await self.queries.session(caller, session_id)
        running = await self._turns.interrupt(session_id) or await self._turns.interrupt_next(session_id)
        return events.ClaudeCodeInterrupted(
            session_id=session_id,
            message_id=running.turn.message_id if running is not None else None,
            partial=bool(running is not None and running.text),
            timestamp=self._now(),
        )

    # -- messages

    async def send(
        self,
        asked: WorkRequest,
        session_id: SessionId,
        message: str,
        context: Mapping[str, Any] | None,
        mode: Mode | None = None,
    ) -> Taken:
        """Accept a prompt for a session; its lane is started with `start` or `answer`.

        Args:
            mode: how it enters the line; None = as configured.

        Raises:
            SessionNotFound, SessionNotActive, Overloaded, IdempotencyConflict, StorageError.
            UserNotFound, NotAllowed, ProjectNotAllowed: who writes has lost the right since it was connected.
        """
        session = await self.queries.session(asked.caller, session_id)
        user = self._directory.user(asked.caller.user_id or session.user_id)  # a service writes for who began it
        if not user.role.may_prompt:
            raise NotAllowed(f"role {user.role} may not send prompts")
        live = self._sessions.live(session_id)  # its folder was checked when it was taken into memory
        project = live.project if live is not None else self._projects.holding(session)
        if project is None or not self._projects.may_use(user, project.name):
            raise ProjectNotAllowed(session.project_path)
        if not self._lifecycle(session).resumes_by_itself:
            raise SessionNotActive(session_id)
        submission = replace(self._submission(asked, user, message, context=context), mode=mode)
        return _same(await self._intake.prompt(session, project, submission), asked)

    async def decide(self, user: User, channel: str, message: str) -> Decision:
        """Return where a message of a user would go, and why; changes nothing."""
        return await self._intake.decide(user, channel, message)

    async def route(
        self,
        asked: WorkRequest,
        user: User,
        message: str,
        *,
        thread: str = "",
        reply: Reply | None = None,
        decision: Decision | None = None,
    ) -> Taken:
        """Accept a message for whoever it concerns; its lane is started with `start` or `answer`.

        Args:
            reply: where the answer goes by the outbox; with one, every command word counts, else those that answer
                a question.
            decision: what `decide` said of it; None = decide now.

        Raises:
            NotAllowed: it was refused, with the reason.
            Overloaded, IdempotencyConflict, StorageError.
        """
        commands = reply is not None or answers_question(message)
        submission = self._submission(asked, user, message, thread=thread, reply=reply, commands=commands)
        return _same(await self._intake.submit(submission, decision), asked)

    def start(self, taken: Taken) -> None:
        """Run what was accepted, waiting for nothing."""
        self._intake.start(taken)

    async def answer(self, taken: Taken) -> Result:
        """Start what was accepted and wait for its end; a repetition gets the first answer again.

        Raises:
            TurnFailed, ConnectionFailed, StorageError: it ended without an answer.
            NotAllowed: it was refused when it came first.
        """
        message_id = taken.accepted.message_id
        with self._waiters.expect(message_id) as future:
            if taken.accepted.duplicate or taken.decision.target is Target.COMMAND:
                stored = await self._store.turns.result(message_id)
                if stored is not None and stored.turn.state.final:
                    return _answered(stored)
            self._intake.start(taken)
            return await future

    async def earlier(self, caller: Caller, channel: str, external_id: str | None) -> Result | None:
        """Return what became of the message that this caller sent under an `external_id` before, or None."""
        if external_id is None:
            return None
        known = await self._store.turns.known(channel, caller.account, external_id, "")
        return await self.queries.result(caller, known.message_id) if known is not None else None

    def _submission(
        self,
        asked: WorkRequest,
        user: User,
        message: str,
        *,
        context: Mapping[str, Any] | None = None,
        thread: str = "",
        reply: Reply | None = None,
        commands: bool = False,
    ) -> Submission:
        return Submission(
            user=user,
            channel=asked.channel,
            account=asked.caller.account,
            sender=Address(kind="socket", value=asked.caller.name),
            text=message,
            context=context,
            thread=thread,
            reply=reply,
            dedup_key=asked.external_id,
            dedup_seconds=DEDUP_SECONDS,
            digest=asked.digest,
            commands=commands,
        )

    def _lifecycle(self, session: Session) -> Lifecycle:
        live = self._sessions.live(session.id)
        return live.lifecycle if live is not None else Lifecycle(session.status, session.end_reason)

    @contextmanager
    def _place(self, user: User, session_id: SessionId, *, taken: bool) -> Iterator[None]:
        """Keep a place for a session until it counts by itself, so that many at once are not too many.

        Raises:
            MaxSessions: there is none.
        """
        if taken or session_id in self._entering:
            yield
            return
        entering = [owner for i, owner in self._entering.items() if not self._counts(i)]
        if self._sessions.has_live(self._limits.max_sessions - len(entering)):
            raise MaxSessions(self._limits.max_sessions)
        most = self._limits.max_sessions_per_user
        if most and self._sessions.live_count_of(user.id) + entering.count(user.id) >= most:
            raise MaxSessions(most)
        self._entering[session_id] = user.id
        try:
            yield
        finally:
            del self._entering[session_id]

    def _counts(self, session_id: SessionId) -> bool:
        live = self._sessions.live(session_id)
        return live is not None and live.lifecycle.status.live

    def _now(self) -> str:
        return rfc3339(self._clock())


def _same(taken: Taken, asked: WorkRequest) -> Taken:
    """Refuse another request under an id that was used before."""
    if taken.accepted.duplicate and not taken.accepted.same:
        raise IdempotencyConflict(str(asked.external_id))
    if taken.decision.target is Target.REFUSED and not taken.accepted.duplicate and not taken.told:
        raise NotAllowed(taken.decision.reason)
    return taken


def _answered(result: Result) -> Result:
    """Return a stored end, raising the error that it was."""
    if result.turn.target is Target.REFUSED:
        raise NotAllowed(result.turn.reason)
    if result.turn.state is TurnState.COMPLETED:
        return result
    raise TurnFailed("interrupted" if result.turn.state is TurnState.CANCELLED else result.why)
