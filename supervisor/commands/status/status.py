"""STATUS and COST: what waits for the sender and their sessions, or what they have spent, in one text each."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from supervisor.commands.dispatch import Asker, CommandAnswer
from supervisor.commands.reading.words import Command, Word
from supervisor.commands.status.open_items import OpenItems
from supervisor.people.projects import Projects
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import SessionKind
from supervisor.protocol.times import Clock, day_of, now_ms
from supervisor.sentences import commands as say
from supervisor.spending.limits import Scope
from supervisor.spending.spending import Spending
from supervisor.store.ports.ledger import CostQuery, LedgerStore
from supervisor.store.ports.sessions import SessionStore
from supervisor.store.ports.turns import TurnStore
from supervisor.store.records.accounts import User
from supervisor.store.records.session import Session
from supervisor.turns.lanes.name import LaneName
from supervisor.turns.scheduler import TurnScheduler

MAX_LINES = 5
"""Sessions that one text lists."""

MAX_ITEMS = 5
"""Things that wait for the sender which one text lists."""

MAX_QUEUED = 1000
"""Queued messages of one person that STATUS counts."""


class StatusStore(Protocol):
    """What STATUS and COST read."""

    @property
    def sessions(self) -> SessionStore:
        """Sessions of Claude Code, and the records of chats."""

    @property
    def turns(self) -> TurnStore:
        """Messages and their turns."""

    @property
    def ledger(self) -> LedgerStore:
        """Costs."""


class StatusCommands:
    """Carries out STATUS and COST.

    Attributes:
        words: the words that it carries out.
    """

    words = frozenset({Word.STATUS, Word.COST})

    def __init__(
        self,
        store: StatusStore,
        projects: Projects,
        turns: TurnScheduler,
        spending: Spending,
        open_items: OpenItems,
        clock: Clock = now_ms,
    ) -> None:
        self._store = store
        self._projects = projects
        self._turns = turns
        self._spending = spending
        self._open_items = open_items
        self._clock = clock

    async def answer(self, command: Command, asker: Asker) -> CommandAnswer:
        """Return what waits for the sender and their sessions, or what the sender has spent."""
        if command.word is Word.STATUS:
            return CommandAnswer(text=await self._status(asker.user))
        return CommandAnswer(text=await self._cost(asker.user))

    async def _status(self, user: User) -> str:
        items = await self._open_items.of(user)
        lines = [say.WAITS(), *items[:MAX_ITEMS]] if items else []
        if len(items) > MAX_ITEMS:
            lines.append(say.MORE_WAIT(count=len(items) - MAX_ITEMS))
        lines += await self._sessions(user)
        return "\n".join(lines) or say.NOTHING_WAITS()

    async def _sessions(self, user: User) -> list[str]:
        """Return a line for each session that the user may see and that is active or has work, at most `MAX_LINES`."""
        shared = self._projects.shared_with(user)
        found = await self._store.sessions.list(
            user_id=user.id, shared=shared, active_only=True, kind=SessionKind.CLAUDE_CODE
        )
        sessions = {session.id: session for session in found}
        waiting = await self._store.turns.waiting(lane=None, user_id=user.id, limit=MAX_QUEUED)
        queued = Counter(turn.lane for turn in waiting)
        # A turn that waits for a process or for an answer to a question has no process, so its session is not active.
        lanes = dict.fromkeys(map(LaneName, [*self._turns.lanes_of(user.id), *queued]))
        assistants = [lane for lane in lanes if lane.is_assistant]
        for lane in lanes:
            name = SessionId(lane)
            if name not in sessions and (session := await self._store.sessions.get(name)) is not None:
                if session.is_chat:
                    assistants.append(lane)
                else:
                    sessions[name] = session
        asking = await self._open_items.sessions_asking(user.id)
        lines = [self._session(session, queued[session.id], asking.get(session.id)) for session in sessions.values()]
        if len(lines) > MAX_LINES:
            lines[MAX_LINES:] = [say.MORE_SESSIONS(count=len(lines) - MAX_LINES)]
        assistant = sum(queued[lane] for lane in assistants)
        running = next((lane for lane in assistants if self._turns.running(lane) is not None), None)
        if assistant or running is not None:
            lines.append(say.ASSISTANT(state=self._state(running or "", assistant, None, "")))
        return lines

    def _session(self, session: Session, queued: int, may_answer: bool | None) -> str:
        return say.SESSION(
            project=session.project,
            state=self._state(session.id, queued, may_answer, session.status.value),
            messages=session.message_count,
            cost=session.cost_nanos,
            minutes=max(0, self._clock() - session.activity_ms) // 60_000,
        )

    def _state(self, lane: str, queued: int, may_answer: bool | None, status: str) -> str:
        """Return what a lane does.

        Args:
            queued: messages of the user that wait in it.
            may_answer: whether the user may answer its open question; None = it has none.
            status: of its session, where no turn runs.
        """
        turn = self._turns.running(lane)
        if may_answer is not None:
            state = say.ASKING_YOU() if may_answer else say.ASKING_OTHERS()
        else:
            state = say.WORKING(seconds=turn.clock.duration_ms // 1000) if turn is not None else status
        return ", ".join(filter(None, (state, say.QUEUED(messages=queued) if queued else "")))

    async def _cost(self, user: User) -> str:
        today = day_of(self._clock())
        all_time, _ = await self._store.ledger.cost(CostQuery(user_id=user.id))
        since, _ = await self._store.ledger.cost(CostQuery(user_id=user.id, since_day=today))
        accounts = await self._spending.standing(user.id, None)
        limit = next((account.limit for account in accounts if account.scope is Scope.USER), None)
        spent = since.cost_nanos
        return say.COST(
            today=say.SPENT(spent=spent) if limit is None else say.SPENT_OF(spent=spent, limit=limit),
            messages=since.message_count,
            total=all_time.cost_nanos,
            count=all_time.message_count,
        )
