"""What a caller may ask of the daemon, whichever wire it came by; each answer is an event of the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from supervisor import reports
from supervisor.config import ClaudeCode
from supervisor.identity import Caller, Directory
from supervisor.intake import DEDUP_SECONDS, Intake, Submission, Taken
from supervisor.lifecycle import Lifecycle
from supervisor.projects import Projects
from supervisor.protocol import events
from supervisor.protocol.errors import (
    IdempotencyConflict,
    InvalidMessage,
    MaxSessions,
    NotAllowed,
    ProjectNotAllowed,
    SessionNotActive,
    SessionNotFound,
    TurnFailed,
    UserNotFound,
)
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import Address, MessageId, Reply, SessionId, UserId
from supervisor.protocol.status import EndReason, SessionStatus, Target, TurnState
from supervisor.protocol.times import Clock, now_ms, parse_day, rfc3339, usd
from supervisor.router import Decision
from supervisor.sessions import Sessions
from supervisor.store.port import Store
from supervisor.store.records import CostQuery, NewSession, Result, Session, User
from supervisor.turns import Turns

ONE_TURN_TO_END_SECONDS = 15.0
"""How long a disconnect waits for the turn that it interrupted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
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
    """The daemon's services to sockets, REST and the command line."""

    def __init__(
        self,
        *,
        store: Store,
        directory: Directory,
        projects: Projects,
        intake: Intake,
        sessions: Sessions,
        turns: Turns,
        claude_code: ClaudeCode,
        clock: Clock = now_ms,
    ) -> None:
        self._store = store
        self._directory = directory
        self._projects = projects
        self._intake = intake
        self._sessions = sessions
        self._turns = turns
        self._limits = claude_code
        self._clock = clock
        self._entering: dict[SessionId, UserId] = {}

    # -- sessions

    async def connect(
        self, caller: Caller, session_id: SessionId, project_path: str, user_id: str
    ) -> events.ClaudeCodeConnected:
        """Create, resume or attach to a session.

        Raises:
            UserNotFound, SessionNotFound, ProjectNotAllowed, InvalidMessage, MaxSessions, ConnectionFailed.
        """
        user = self._acting(caller, user_id)
        if not user.role.may_prompt:
            raise NotAllowed(f"role {user.role} may not start sessions")
        session = await self._stored(session_id)
        if session is not None and (session.user_id != user.id or not caller.may_act_for(session.user_id)):
            raise SessionNotFound(session_id)
        project, real_path = self._projects.at(user, project_path)
        resumed = session is not None and not self._lifecycle(session).status.live
        with self._place(user, session_id, taken=session is not None and not resumed):
            if session is None:
                fresh = NewSession(
                    id=session_id,
                    user_id=user.id,
                    project=project.name,
                    project_path=real_path,
                    conversation_id=uuid7(),
                    thread=f"session:{session_id}",
                )
                status = SessionStatus.CONNECTING
                session = await self._store.sessions.create(fresh, status=status, now_ms=self._clock())
                if session.user_id != user.id:  # somebody else has made one of this id meanwhile
                    raise SessionNotFound(session_id)
            if session.project_path != real_path:
                raise InvalidMessage(
                    "claude_code_connect.project_path", f"must be the session's own: {session.project_path}"
                )
            live = self._sessions.take(session, project)
            with self._sessions.claim(live):
                live.lifecycle.failures = 0
                await self._sessions.open(live)
        return events.ClaudeCodeConnected(session_id=session_id, timestamp=self._now(), resumed=resumed)

    async def disconnect(self, caller: Caller, session_id: SessionId) -> events.ClaudeCodeDisconnected:
        """End a session on purpose; a turn that runs is interrupted, what waits is dropped.

        Raises:
            SessionNotFound, SessionNotActive.
        """
        session = await self.session(caller, session_id)
        if not self._lifecycle(session).resumes_by_itself:
            raise SessionNotActive(session_id)
        await self._turns.cancel_waiting(session_id, "the session was disconnected")
        running = await self._turns.interrupt(session_id)
        if running is not None:
            await asyncio.wait([running.ended], timeout=ONE_TURN_TO_END_SECONDS)
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
        await self.session(caller, session_id)
        running = await self._turns.interrupt(session_id)
        return events.ClaudeCodeInterrupted(
            session_id=session_id,
            message_id=running.turn.message_id if running is not None else None,
            partial=bool(running is not None and running.text),
            timestamp=self._now(),
        )

    async def status(self, caller: Caller, session_id: SessionId) -> events.SessionStatusEvent:
        """Return a session as it stands.

        Raises:
            SessionNotFound.
        """
        await self.session(caller, session_id)
        session = await self._store.sessions.get(session_id)
        if session is None:
            raise SessionNotFound(session_id)
        return reports.session_status(session)

    async def session(self, caller: Caller, session_id: SessionId) -> Session:
        """Return the record of a session that a caller may see; its figures may be those of its start.

        Raises:
            SessionNotFound: there is none, or it is another user's.
        """
        session = await self._stored(session_id)
        if session is None or not caller.may_act_for(session.user_id):
            raise SessionNotFound(session_id)
        return session

    async def list_sessions(
        self,
        caller: Caller,
        user_id: str | None,
        *,
        active_only: bool,
        limit: int,
        before: tuple[int, SessionId] | None = None,
        status: SessionStatus | None = None,
    ) -> list[Session]:
        """Return the sessions that a caller may see, newest activity first.

        Args:
            before: the (activity_ms, id) that ended the page before.

        Raises:
            UserNotFound: the token is another user's, or there is no such user.
        """
        return await self._store.sessions.list(
            user_id=self._scope(caller, user_id), active_only=active_only, limit=limit, before=before, status=status
        )

    # -- messages

    async def send(self, asked: Asked, session_id: SessionId, message: str, context: Mapping[str, Any] | None) -> Taken:
        """Accept a prompt for a session; its lane is started with `start` or `answer`.

        Raises:
            SessionNotFound, SessionNotActive, Overloaded, IdempotencyConflict, StorageError.
            UserNotFound, NotAllowed, ProjectNotAllowed: its user has lost the right since it was connected.
        """
        session = await self.session(asked.caller, session_id)
        user = self._directory.user(session.user_id)
        if not user.role.may_prompt:
            raise NotAllowed(f"role {user.role} may not send prompts")
        if self._projects.holding(session) not in self._projects.of(user):
            raise ProjectNotAllowed(session.project_path)
        if not self._lifecycle(session).resumes_by_itself:
            raise SessionNotActive(session_id)
        submission = self._submission(asked, user, message, context=context)
        return _same(await self._intake.prompt(session, submission), asked)

    async def decide(self, user: User, channel: str, message: str) -> Decision:
        """Return where a message of a user would go, and why; changes nothing."""
        return await self._intake.decide(user, channel, "", message)

    async def route(
        self,
        asked: Asked,
        user: User,
        message: str,
        *,
        thread: str = "",
        reply: Reply | None = None,
        decision: Decision | None = None,
    ) -> Taken:
        """Accept a message for whoever it concerns; its lane is started with `start` or `answer`.

        Args:
            reply: where the answer goes by the outbox; with one, command words count.
            decision: what `decide` said of it; None = decide now.

        Raises:
            NotAllowed: it was refused, with the reason.
            Overloaded, IdempotencyConflict, StorageError.
        """
        submission = self._submission(asked, user, message, thread=thread, reply=reply, commands=reply is not None)
        return _same(await self._intake.submit(submission, decision), asked)

    def user(self, caller: Caller, user_id: str) -> User:
        """Return the user that a caller acts for.

        Raises:
            UserNotFound: there is none, or the token belongs to another user.
        """
        return self._acting(caller, user_id)

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
        with self._turns.waiters.expect(message_id) as future:
            if taken.accepted.duplicate:
                stored = await self._store.turns.result(message_id)
                if stored is not None and stored.turn.state.final:
                    return _answered(stored)
            self._intake.start(taken)
            return await future

    async def history(
        self, caller: Caller, session_id: SessionId, *, limit: int, before: str | None
    ) -> list[events.HistoryMessage]:
        """Return messages of a session, oldest first.

        Raises:
            SessionNotFound.
        """
        await self.session(caller, session_id)
        earlier = MessageId(before) if before else None
        stored = await self._store.turns.history(session_id, limit=limit, before=earlier)
        return [reports.history_message(message) for message in stored]

    async def earlier(self, caller: Caller, channel: str, external_id: str | None) -> Result | None:
        """Return what became of the message that this caller sent under an `external_id` before, or None."""
        if external_id is None:
            return None
        known = await self._store.turns.known(channel, caller.account, external_id)
        return await self.result(caller, known) if known is not None else None

    async def result(self, caller: Caller, message_id: str) -> Result | None:
        """Return what became of a message that a caller may see, or None."""
        found = await self._store.turns.result(MessageId(message_id))
        return found if found is not None and caller.may_act_for(found.turn.user_id) else None

    # -- costs

    async def cost(
        self,
        caller: Caller,
        *,
        user_id: str | None,
        session_id: str | None,
        since: str | None,
        until: str | None,
        group_by: str | None,
        limit: int,
    ) -> events.Cost:
        """Return what was spent.

        Raises:
            UserNotFound, SessionNotFound, InvalidMessage.
        """
        if session_id is not None:
            await self.session(caller, SessionId(session_id))
        query = CostQuery(
            user_id=self._scope(caller, user_id),
            session_id=SessionId(session_id) if session_id is not None else None,
            since_day=_day("get_cost.since", since),
            until_day=_day("get_cost.until", until, up=True),
            group_by=group_by,
            limit=limit,
        )
        total, lines = await self._store.ledger.cost(query)
        rows = [reports.cost_row(line) for line in lines]
        return events.Cost(total_usd=usd(total.cost_nanos), rows=rows)

    def _submission(
        self,
        asked: Asked,
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

    async def _stored(self, session_id: SessionId) -> Session | None:
        """Return a session's record: from memory where only what never changes is needed, else from the store."""
        live = self._sessions.live(session_id)
        return live.session if live is not None else await self._store.sessions.get(session_id)

    def _lifecycle(self, session: Session) -> Lifecycle:
        live = self._sessions.live(session.id)
        return live.lifecycle if live is not None else Lifecycle(session.status, session.end_reason)

    def _acting(self, caller: Caller, user_id: str) -> User:
        if not caller.may_act_for(UserId(user_id)):
            raise UserNotFound(user_id)
        return self._directory.user(user_id)

    def _scope(self, caller: Caller, user_id: str | None) -> UserId | None:
        """Return the user whose things are asked for; None = everybody's, for a service."""
        if user_id is None:
            return caller.user_id
        return self._acting(caller, user_id).id

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
        if self._sessions.live_count() + len(entering) >= self._limits.max_sessions:
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


def _same(taken: Taken, asked: Asked) -> Taken:
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


def _day(field: str, text: str | None, *, up: bool = False) -> int | None:
    try:
        return parse_day(text, up=up) if text is not None else None
    except (ValueError, OverflowError):
        raise InvalidMessage(field, "must be a date YYYY-MM-DD or an RFC 3339 time") from None
