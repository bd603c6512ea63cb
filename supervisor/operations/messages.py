"""Operations on messages: send a prompt to a session, route a message, wait for the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from supervisor.commands.reading.words import answers_question
from supervisor.delivery.waiters import Waiters
from supervisor.intake.acceptor import Acceptor
from supervisor.intake.intake import Intake
from supervisor.intake.submission import Taken
from supervisor.operations.queries import Queries
from supervisor.operations.work_request import WorkRequest
from supervisor.people.identity import Caller, Directory
from supervisor.people.projects import Projects
from supervisor.protocol.errors import (
    IdempotencyConflict,
    NotAllowed,
    ProjectNotAllowed,
    SessionNotActive,
)
from supervisor.protocol.messages import MessageId, Reply, SessionId
from supervisor.protocol.queue import Mode
from supervisor.protocol.status import Target
from supervisor.routing.rules import Decision
from supervisor.sessions.pool import SessionPool
from supervisor.store.ports.turns import TurnStore
from supervisor.store.records.accounts import Actor, User
from supervisor.store.records.result import Result
from supervisor.turns.elsewhere.ends import answered


class MessageOperations:
    """Accepts messages of callers and returns their answers.

    `send` and `route` only accept a message (T1). The caller then runs it with `start`, which returns at once, or with
    `answer`, which waits for the end.
    """

    def __init__(
        self,
        *,
        store: TurnStore,
        directory: Directory,
        projects: Projects,
        queries: Queries,
        intake: Intake,
        acceptor: Acceptor,
        pool: SessionPool,
        waiters: Waiters,
    ) -> None:
        self._store = store
        self._directory = directory
        self._projects = projects
        self._queries = queries
        self._intake = intake
        self._acceptor = acceptor
        self._pool = pool
        self._waiters = waiters

    async def send(
        self,
        request: WorkRequest,
        session_id: SessionId,
        message: str,
        context: Mapping[str, Any] | None,
        mode: Mode | None = None,
    ) -> Taken:
        """Accept a prompt for one session.

        Args:
            mode: how it enters the queue of the session; None = as configured.

        Raises:
            SessionNotFound, SessionNotActive, RateLimited, Overloaded, IdempotencyConflict, StorageError: nothing was
                accepted.
            UserNotFound, NotAllowed, ProjectNotAllowed: the writer has lost a right since the session was connected.
        """
        session = await self._queries.session(request.caller, session_id)
        user = self._directory.user(request.caller.user_id or session.user_id)  # a service writes for the owner
        if not user.role.may_prompt:
            raise NotAllowed(f"role {user.role} may not send prompts")
        submission = request.submission(user, message, context=context, mode=mode)
        if session.is_chat:
            return _checked(await self._intake.prompt(session, None, replace(submission, chat=session)), request)
        live = self._pool.live(session_id)  # the folder of a session in memory was checked when it was loaded
        project = live.project if live is not None else self._projects.holding(session)
        if project is None or not self._projects.may_use(user, project.name):
            raise ProjectNotAllowed(session.project_path)
        if not self._queries.lifecycle(session).resumes_by_itself:
            raise SessionNotActive(session_id)
        return _checked(await self._intake.prompt(session, project, submission), request)

    async def decide(self, user: User, channel: str, message: str) -> Decision:
        """Return where a message of a user would go, and why; changes nothing."""
        return await self._intake.decide(user, channel, message)

    async def route(
        self,
        request: WorkRequest,
        user: User,
        message: str,
        *,
        subject: str = "",
        thread: str = "",
        reply: Reply | None = None,
        decision: Decision | None = None,
    ) -> Taken:
        """Accept a message for Claude Code, the assistant or a command, as the routing rules say.

        Args:
            subject: as in `Submission`.
            reply: where the outbox sends the answer. With a reply every command word is carried out; without one only
                YES and NO, which no model may read.
            decision: the result of an earlier `decide`; None = decide now.

        Raises:
            NotAllowed: the message was refused, with the reason.
            RateLimited, Overloaded, IdempotencyConflict, StorageError: nothing was accepted.
        """
        commands = reply is not None or answers_question(message)
        submission = request.submission(user, message, subject=subject, thread=thread, reply=reply, commands=commands)
        return _checked(await self._intake.submit(submission, decision), request)

    async def let_in(self, dropped_id: int, by: Actor) -> MessageId:
        """Accept a message that was dropped; see `Intake.let_in`."""
        return await self._intake.let_in(dropped_id, by)

    def start(self, taken: Taken) -> None:
        """Run an accepted message; returns at once."""
        self._acceptor.start(taken)

    async def answer(self, taken: Taken) -> Result:
        """Run an accepted message and wait for its end; a repeated message gets the first answer.

        Raises:
            TurnFailed, ConnectionFailed, StorageError: it ended without an answer.
            NotAllowed: its first delivery was refused.
        """
        message_id = taken.accepted.message_id
        with self._waiters.expect(message_id) as future:
            if taken.accepted.duplicate or taken.decision.target is Target.COMMAND:
                stored = await self._store.result(message_id)
                if stored is not None and stored.state.final:
                    return answered(stored)
            self._acceptor.start(taken)
            return await future

    async def end_of(self, message_id: MessageId) -> Result:
        """Wait for the end of an accepted message that runs or has ended, and return its result.

        Raises:
            XswarmError: it ended without an answer, or its end could not be stored yet.
        """
        with self._waiters.expect(message_id) as future:
            stored = await self._store.result(message_id)
            if stored is not None and stored.state.final:
                return answered(stored)
            return await future

    async def earlier(self, caller: Caller, channel: str, external_id: str | None) -> Result | None:
        """Return the result of the message that this caller sent under an `external_id` before, or None."""
        if external_id is None:
            return None
        known = await self._store.known(channel, caller.account, external_id, "")
        return await self._queries.result(caller, known.message_id) if known is not None else None


def _checked(taken: Taken, request: WorkRequest) -> Taken:
    """Return what was accepted, unless the caller must get an error instead."""
    if taken.accepted.duplicate and not taken.accepted.same:
        raise IdempotencyConflict(str(request.external_id))
    if taken.decision.target is Target.REFUSED and not taken.accepted.duplicate and not taken.told:
        raise NotAllowed(taken.decision.reason)
    return taken
