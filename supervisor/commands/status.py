"""STATUS and COST: the sender's sessions and spending, in one text each."""

from __future__ import annotations

from supervisor.commands.dispatch import Asker, CommandAnswer
from supervisor.commands.words import Command, Word
from supervisor.protocol.messages import SessionId
from supervisor.protocol.times import Clock, day_of, now_ms, usd
from supervisor.spending.limits import Scope
from supervisor.spending.spending import Spending
from supervisor.store.port import Store
from supervisor.store.ports.ledger import CostQuery
from supervisor.store.records.accounts import User
from supervisor.store.records.session import Session
from supervisor.turns.scheduler import TurnScheduler

MAX_LINES = 5
"""Sessions that one text lists."""


class StatusCommands:
    """Carries out STATUS and COST.

    Attributes:
        words: the words that it carries out.
    """

    words = frozenset({Word.STATUS, Word.COST})

    def __init__(self, store: Store, turns: TurnScheduler, spending: Spending, clock: Clock = now_ms) -> None:
        self._store = store
        self._turns = turns
        self._spending = spending
        self._clock = clock

    async def answer(self, command: Command, asker: Asker) -> CommandAnswer:
        """Return the sender's sessions, or what the sender has spent."""
        if command.word is Word.STATUS:
            return CommandAnswer(text=await self._status(asker.user))
        return CommandAnswer(text=await self._cost(asker.user))

    async def _status(self, user: User) -> str:
        sessions = await self._store.sessions.list(user_id=user.id, active_only=True)
        known = {session.id for session in sessions}
        # A turn that waits for an answer to a question has no process, so its session is not active.
        for lane in self._turns.lanes_of(user.id):
            if lane not in known and (session := await self._store.sessions.get(SessionId(lane))) is not None:
                sessions.append(session)
        if not sessions:
            return "No session is active."
        lines = [self._line(session) for session in sessions[:MAX_LINES]]
        if len(sessions) > MAX_LINES:
            lines.append(f"and {len(sessions) - MAX_LINES} more")
        return "\n".join(lines)

    def _line(self, session: Session) -> str:
        minutes = max(0, self._clock() - session.activity_ms) // 60_000
        turn = self._turns.running(session.id)
        state = f"working for {turn.duration_ms // 1000} s" if turn is not None else session.status.value
        cost = f"${usd(session.cost_nanos):.2f}"
        return f"{session.project}: {state}, {_messages(session.message_count)}, {cost}, last used {minutes} min ago"

    async def _cost(self, user: User) -> str:
        today = day_of(self._clock())
        all_time, _ = await self._store.ledger.cost(CostQuery(user_id=user.id))
        since, _ = await self._store.ledger.cost(CostQuery(user_id=user.id, since_day=today))
        accounts = await self._spending.standing(user.id, None)
        limits = [f" of ${usd(account.limit):.2f}" for account in accounts if account.scope is Scope.USER]
        return (
            f"Today ${usd(since.cost_nanos):.4f}{''.join(limits)} for {_messages(since.message_count)}; "
            f"in total ${usd(all_time.cost_nanos):.4f} for {_messages(all_time.message_count)}."
        )


def _messages(count: int) -> str:
    return f"{count} message{'' if count == 1 else 's'}"
