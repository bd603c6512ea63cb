"""Reads for callers: sessions, messages, costs.

A caller reads what is their own or shared with them. Overseers (services, administrators, operators) also read the
records and costs of all sessions, but the messages of others only if the caller is a service.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from supervisor.delivery import views
from supervisor.delivery.outbound import outbound_of
from supervisor.delivery.replies import reply_id
from supervisor.operations.chat_history import chat_rows
from supervisor.people.identity import Caller, Directory
from supervisor.people.projects import Projects
from supervisor.protocol import events
from supervisor.protocol.errors import InvalidMessage, SessionNotFound, UserNotFound
from supervisor.protocol.messages import MessageId, Outbound, ProjectName, SessionId, UserId
from supervisor.protocol.status import SessionStatus
from supervisor.protocol.times import DAY_MS, Clock, now_ms, parse_day, usd
from supervisor.sessions.lifecycle import Lifecycle
from supervisor.sessions.pool import SessionPool
from supervisor.spending.limits import Scope
from supervisor.spending.spending import Spending
from supervisor.store.ports.ledger import CostQuery, LedgerStore
from supervisor.store.ports.outbox import OutboxStore
from supervisor.store.ports.sessions import ChatStore, SessionStore
from supervisor.store.ports.turns import TurnStore
from supervisor.store.records.accounts import User
from supervisor.store.records.result import Result
from supervisor.store.records.session import Session
from supervisor.turns.scheduler import TurnScheduler

RECENT_MS = DAY_MS
"""How long after its last message a chat is listed as active, in milliseconds: it has no process that would end."""


class QueryStore(Protocol):
    """What queries read."""

    @property
    def sessions(self) -> SessionStore:
        """Sessions of Claude Code, and the records of chats."""

    @property
    def chats(self) -> ChatStore:
        """What was said in chats."""

    @property
    def turns(self) -> TurnStore:
        """Messages and their turns."""

    @property
    def outbox(self) -> OutboxStore:
        """Replies."""

    @property
    def ledger(self) -> LedgerStore:
        """Costs."""


class Queries:
    """Reads the store within the rights of a caller: what a caller may not see is reported as not found."""

    def __init__(
        self,
        store: QueryStore,
        directory: Directory,
        projects: Projects,
        *,
        sessions: SessionPool,
        turns: TurnScheduler,
        spending: Spending,
        clock: Clock = now_ms,
    ) -> None:
        self._store = store
        self._directory = directory
        self._projects = projects
        self._sessions = sessions
        self._turns = turns
        self._spending = spending
        self._clock = clock

    def user(self, caller: Caller, user_id: str) -> User:
        """Return the user that a caller acts for.

        Raises:
            UserNotFound: there is none, or the token belongs to another user.
        """
        if not caller.may_act_for(UserId(user_id)):
            raise UserNotFound(user_id)
        return self._directory.user(user_id)

    def oversees(self, caller: Caller) -> bool:
        """Return whether a caller may read records and costs of all users: a service, an administrator, an operator."""
        return self._directory.oversees(caller)

    def administers(self, caller: Caller) -> bool:
        """Return whether a caller may read what was done by everybody: an administrator, an operator; no service."""
        return self._directory.administers(caller)

    def readable_user(self, caller: Caller, user_id: str) -> User:
        """Return a user whose sessions and costs a caller may read, which gives no right to act for them.

        Raises:
            UserNotFound: there is none, or the caller may not read their records.
        """
        if self.oversees(caller):
            return self._directory.user(user_id)
        return self.user(caller, user_id)

    async def session(self, caller: Caller, session_id: SessionId) -> Session:
        """Return a session that a caller may act in and whose messages they may read.

        Its cost and counts may be out of date: see `status`.

        Raises:
            SessionNotFound: there is none, or it belongs to another user and is not shared with the caller.
        """
        session = await self.stored(session_id)
        if session is None or not self.may_see(caller, session):
            raise SessionNotFound(session_id)
        return session

    async def readable_session(self, caller: Caller, session_id: SessionId) -> Session:
        """Return the record of a session whose state and cost a caller may read; its messages are another matter.

        Raises:
            SessionNotFound: there is none, or the caller may neither see it nor oversees all.
        """
        session = await self.stored(session_id)
        if session is None or not (self.oversees(caller) or self.may_see(caller, session)):
            raise SessionNotFound(session_id)
        return session

    def may_see(self, caller: Caller, session: Session) -> bool:
        """Return whether a caller may see a session with its messages: it is their own, or shared with them."""
        if caller.may_act_for(session.user_id):
            return True
        try:
            return self._projects.shares(self._directory.user(str(caller.user_id)), session)
        except UserNotFound:
            return False

    def shared_with(self, caller: Caller) -> Sequence[ProjectName]:
        """Return the projects whose shared sessions a caller may see besides their own."""
        if caller.user_id is None:
            return ()
        try:
            return self._projects.shared_with(self._directory.user(caller.user_id))
        except UserNotFound:
            return ()

    async def status(self, caller: Caller, session_id: SessionId) -> events.SessionStatusEvent:
        """Return the current state of a session.

        Raises:
            SessionNotFound.
        """
        await self.readable_session(caller, session_id)
        session = await self._store.sessions.get(session_id)
        if session is None:
            raise SessionNotFound(session_id)
        return views.session_status(self._as_it_is(session))

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
        """Return the sessions whose records a caller may read, newest activity first.

        Args:
            active_only: only the live ones, and the chats of the last 24 hours.
            before: the (activity_ms, id) of the last session on the previous page.

        Raises:
            UserNotFound: there is no such user, or the caller may not read their records.
        """
        scope = self._scope(caller, user_id)
        shared = self._projects.shared_with(self._directory.user(scope)) if scope is not None else ()
        found = await self._store.sessions.list(
            user_id=scope,
            shared=shared,
            active_only=active_only,
            limit=limit,
            before=before,
            status=status,
            recent_ms=self._clock() - RECENT_MS,
        )
        return [self._as_it_is(session) for session in found]

    async def history(self, caller: Caller, session_id: SessionId, *, limit: int, before: str | None) -> events.History:
        """Return a page of the messages of a session, oldest first; it holds no more than fits a frame.

        Raises:
            SessionNotFound.
        """
        session = await self.session(caller, session_id)
        earlier = MessageId(before) if before else None
        if session.is_chat:
            entries = await self._store.chats.history(session_id, limit=limit, before=earlier)
            return views.history_page(session_id, chat_rows(entries)[-limit:])
        stored = await self._store.turns.history(session_id, limit=limit, before=earlier)
        return views.history_page(session_id, stored)

    def answering(self, session_id: SessionId) -> tuple[MessageId, str] | None:
        """Return the prompt of a session's running turn and its answer so far; None = no turn runs.

        Whether somebody may read it is theirs to check who ask.
        """
        running = self._turns.running(session_id)
        return (running.turn.message_id, "".join(running.text)) if running is not None else None

    async def result(self, caller: Caller, message_id: str) -> Result | None:
        """Return the result of a message that a caller may see, or None."""
        found = await self._store.turns.result(MessageId(message_id))
        if found is None or caller.may_act_for(found.turn.user_id):
            return found
        session = await self.stored(found.turn.session_id) if found.turn.session_id is not None else None
        return found if session is not None and self.may_see(caller, session) else None

    async def reply(self, caller: Caller, message_id: MessageId) -> Outbound | None:
        """Return the reply that a channel sent about a message; None = the message has not ended, or got no reply."""
        found = await self.result(caller, message_id)
        if found is None or not found.state.final:
            return None
        row = await self._store.outbox.get(reply_id(message_id))
        return outbound_of(row) if row is not None else None

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
        """Return what was spent, in total and in rows.

        Raises:
            UserNotFound, SessionNotFound, InvalidMessage.
        """
        if session_id is not None:
            await self.readable_session(caller, SessionId(session_id))
        query = CostQuery(
            user_id=self._scope(caller, user_id),
            session_id=SessionId(session_id) if session_id is not None else None,
            since_day=_day("get_cost.since", since),
            until_day=_day("get_cost.until", until, up=True),
            group_by=group_by,
            limit=limit,
        )
        total, lines = await self._store.ledger.cost(query)
        rows = [views.cost_row(line) for line in lines]
        budgets = await self._budgets(caller, query)
        return events.Cost(total_usd=usd(total.cost_nanos), rows=rows, budgets=budgets or events.OMIT)

    async def _budgets(self, caller: Caller, query: CostQuery) -> list[events.CostBudget]:
        """Return the limits of the session or user of a query; that of the system if the query names neither."""
        asked = {
            Scope.SESSION: query.session_id is not None,
            Scope.USER: query.user_id is not None,
            Scope.SYSTEM: query.session_id is None and query.user_id is None and self.oversees(caller),
        }
        return [
            views.cost_budget(account.scope, account.id, account.limit, account.spent)
            for account in await self._spending.standing(query.user_id, query.session_id)
            if asked[account.scope]
        ]

    def own_scope(self, caller: Caller) -> UserId | None:
        """Return the user whose records a caller reads where they name nobody; None = those of all users."""
        return None if self.oversees(caller) else caller.user_id

    async def stored(self, session_id: SessionId) -> Session | None:
        """Return the record of a session, from memory if possible: its cost and counts may then be out of date."""
        live = self._sessions.live(session_id)
        return live.record if live is not None else await self._store.sessions.get(session_id)

    def lifecycle(self, session: Session) -> Lifecycle:
        """Return the state of a session: that in memory, or where it is not in memory that of its record."""
        live = self._sessions.live(session.id)
        return live.lifecycle if live is not None else Lifecycle(session.status, session.end_reason)

    def _as_it_is(self, session: Session) -> Session:
        """Return a record with the status that readers see: that of a chat is not stored with every turn."""
        if session.is_chat and self._turns.running(session.id) is not None:
            return replace(session, status=SessionStatus.ACTIVE)
        return session

    def _scope(self, caller: Caller, user_id: str | None) -> UserId | None:
        """Return the user that a query of records is limited to; None = all users, for overseers."""
        if user_id is None:
            return self.own_scope(caller)
        return self.readable_user(caller, user_id).id


def _day(field: str, text: str | None, *, up: bool = False) -> int | None:
    try:
        return parse_day(text, up=up) if text is not None else None
    except (ValueError, OverflowError):
        raise InvalidMessage(field, "must be a date YYYY-MM-DD or an RFC 3339 time") from None
