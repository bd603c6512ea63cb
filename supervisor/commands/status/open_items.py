"""What waits for a person: questions, interrupted turns, held messages and limits, each with its code."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from supervisor.approvals.approvers import Approvers
from supervisor.approvals.wording import named
from supervisor.commands.held import HeldMessages
from supervisor.delivery.replies import quote
from supervisor.permissions.wording import brief
from supervisor.protocol.codes import CodeKind
from supervisor.protocol.messages import MessageId, SessionId, UserId
from supervisor.protocol.times import Clock, now_ms
from supervisor.sentences import commands as say
from supervisor.spending.limits import Account, Scope, offer
from supervisor.spending.naming import limit_name
from supervisor.spending.spending import Spending
from supervisor.store.ports.approvals import ApprovalStore
from supervisor.store.ports.budgets import reference
from supervisor.store.ports.keys import CodeStore
from supervisor.store.ports.sessions import SessionStore
from supervisor.store.ports.turns import TurnStore
from supervisor.store.records.accounts import User


class OpenItemStore(Protocol):
    """What open items are read from."""

    @property
    def approvals(self) -> ApprovalStore:
        """Questions about tool calls."""

    @property
    def codes(self) -> CodeStore:
        """Codes by which people name one thing in a text message."""

    @property
    def turns(self) -> TurnStore:
        """Messages and their turns."""

    @property
    def sessions(self) -> SessionStore:
        """Sessions of Claude Code, and the records of chats."""


class OpenItems:
    """Finds what waits for a person.

    Args:
        clock: milliseconds UTC.
    """

    def __init__(
        self, store: OpenItemStore, approvers: Approvers, held: HeldMessages, spending: Spending, clock: Clock = now_ms
    ) -> None:
        self._store = store
        self._approvers = approvers
        self._held = held
        self._spending = spending
        self._clock = clock

    async def of(self, user: User) -> list[str]:
        """Return a sentence for each thing that waits for a person, what is most urgent first.

        Raises:
            StorageError: the store could not be read.
        """
        sources = (self._questions(user.id), self._interrupted(user.id), self._messages(user.id), self._limits(user.id))
        return [told for source in sources async for told in source]

    async def sessions_asking(self, user_id: UserId) -> dict[SessionId, bool]:
        """Return the sessions that wait for an answer, each with whether this person may give it."""
        found = await self._store.approvals.open_now(now_ms=self._clock())
        asking: dict[SessionId, bool] = {}
        for one in found:
            asking[one.session_id] = asking.get(one.session_id, False) or self._approvers.may_answer(user_id, one)
        return asking

    async def _questions(self, user_id: UserId) -> AsyncIterator[str]:
        now = self._clock()
        for one in await self._store.approvals.open_now(now_ms=now):
            if self._approvers.may_answer(user_id, one):
                minutes = max(1, (one.expires_ms - now) // 60_000)
                yield say.QUESTION(code=one.code, project=named(one.project), call=brief(one.summary), minutes=minutes)

    async def _interrupted(self, user_id: UserId) -> AsyncIterator[str]:
        for code in await self._store.codes.open_of(user_id, CodeKind.TURN, now_ms=self._clock()):
            if (found := await self._store.turns.result(MessageId(code.ref))) is not None:
                yield say.INTERRUPTED(code=code.code, quoted=quote(found.turn.text))

    async def _messages(self, user_id: UserId) -> AsyncIterator[str]:
        for code in await self._store.codes.open_of(user_id, CodeKind.HELD, now_ms=self._clock()):
            if (turn := await self._held.message(code)) is not None:
                yield say.HELD(code=code.code, quoted=quote(turn.text))

    async def _limits(self, user_id: UserId) -> AsyncIterator[str]:
        """Yield the reached limits that apply to a person, and the codes with which they raise a limit."""
        codes: dict[str, str] = {}
        for code in await self._store.codes.open_of(user_id, CodeKind.BUDGET, now_ms=self._clock()):
            codes.setdefault(code.ref, code.code)
        for account in await self._spending.used_up(user_id, None):
            name = limit_name(account.scope, account.id, user_id)
            yield self._limit(account, name, codes.pop(_reference(account), ""))
        for ref, code_text in codes.items():
            scope, _, key = ref.split("/", 2)
            for account in await self._spending.used_up(*_owner(scope, key)):
                if _reference(account) == ref:
                    session = await self._store.sessions.get(SessionId(key)) if scope == Scope.SESSION else None
                    name = limit_name(scope, key, user_id, project=session.project if session is not None else "")
                    yield self._limit(account, name, code_text)

    def _limit(self, account: Account, name: str, code: str) -> str:
        words = say.LIMIT_REACHED if account.spent >= account.limit else say.LIMIT_TOO_CLOSE
        told = words(limit_name=name, spent=account.spent, limit=account.limit)
        configured = self._spending.limit(account.scope)
        if not code or configured is None:
            return told
        return f"{told} {say.ADD_RAISES(dollars=offer(configured), code=code)}"


def _reference(account: Account) -> str:
    return reference(account.scope, account.day, account.id)


def _owner(scope: str, key: str) -> tuple[UserId | None, SessionId | None]:
    """Return the user or the session that a limit applies to."""
    return (UserId(key), None) if scope == Scope.USER else (None, SessionId(key) if scope == Scope.SESSION else None)
