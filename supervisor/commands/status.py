"""STATUS, COST, MORE and ABORT: the words that need no code."""

from __future__ import annotations

from supervisor.commands.dispatch import Asker, CommandAnswer
from supervisor.commands.words import Command, Word
from supervisor.protocol.messages import Address, SessionId
from supervisor.protocol.times import Clock, day_of, now_ms, usd
from supervisor.spending.limits import Scope
from supervisor.spending.spending import Spending
from supervisor.store.port import Store
from supervisor.store.ports.ledger import CostQuery
from supervisor.store.records.accounts import User
from supervisor.store.records.session import Session
from supervisor.turns.scheduler import TurnScheduler

MOST_DROPPED = 1000
"""Messages of one person that ABORT looks for."""

MAX_LINES = 5
"""Sessions named in one text."""


class StatusCommands:
    """Carries them out for a user.

    Attributes:
        words: what it carries out.
    """

    words = frozenset({Word.STATUS, Word.COST, Word.MORE, Word.ABORT})

    def __init__(self, store: Store, turns: TurnScheduler, spending: Spending, clock: Clock = now_ms) -> None:
        self._store = store
        self._turns = turns
        self._spending = spending
        self._clock = clock

    async def answer(self, command: Command, asker: Asker) -> CommandAnswer | None:
        """Carry out a word and return what its sender is told."""
        match command.word:
            case Word.STATUS:
                return CommandAnswer(text=await self._status(asker.user))
            case Word.COST:
                return CommandAnswer(text=await self._cost(asker.user))
            case Word.MORE:
                return await self._more(asker.channel, asker.sender)
            case Word.ABORT:
                return CommandAnswer(text=await self._abort(asker.user))
            case _:
                return None

    async def _status(self, user: User) -> str:
        sessions = await self._store.sessions.list(user_id=user.id, active_only=True)
        known = {session.id for session in sessions}
        for lane in self._turns.lanes_of(
            user.id
        ):  # one that waits for an answer has no process, and works all the same
            if lane not in known and (session := await self._store.sessions.get(SessionId(lane))) is not None:
                sessions.append(session)
        if not sessions:
            return "No session is active"
        lines = [self._line(session) for session in sessions[:MAX_LINES]]
        if len(sessions) > MAX_LINES:
            lines.append(f"and {len(sessions) - MAX_LINES} more")
        return "\n".join(lines)

    def _line(self, session: Session) -> str:
        minutes = max(0, self._clock() - session.activity_ms) // 60_000
        running = self._turns.running(session.id)
        state = f"working for {running.duration_ms // 1000} s" if running is not None else session.status.value
        cost = f"${usd(session.cost_nanos):.2f}"
        return f"{session.project}: {state}, {session.message_count} messages, {cost}, last {minutes} min ago"

    async def _cost(self, user: User) -> str:
        today = day_of(self._clock())
        all_time, _ = await self._store.ledger.cost(CostQuery(user_id=user.id))
        since, _ = await self._store.ledger.cost(CostQuery(user_id=user.id, since_day=today))
        accounts = await self._spending.standing(user.id, None)
        limits = [f" of ${usd(account.limit):.2f}" for account in accounts if account.scope is Scope.USER]
        return (
            f"Today ${usd(since.cost_nanos):.4f}{''.join(limits)} for {since.message_count} messages; "
            f"in all ${usd(all_time.cost_nanos):.4f} for {all_time.message_count}"
        )

    async def _more(self, channel: str, sender: Address) -> CommandAnswer:
        row = await self._store.outbox.last_cut(channel, sender)
        offset = row.note.removeprefix("more:") if row is not None else ""
        if row is None or not offset.isdecimal():
            return CommandAnswer(text="There is nothing more")
        # With all that the first part was made with: the offset counts in that.
        return CommandAnswer(text=row.text, meta={**row.meta, "offset": int(offset)})

    async def _abort(self, user: User) -> str:
        stopped, dropped = 0, 0
        running = self._turns.lanes_of(user.id)
        waiting = await self._store.turns.waiting(lane=None, user_id=user.id, limit=MOST_DROPPED)
        for lane in dict.fromkeys([*running, *(turn.lane for turn in waiting)]):
            dropped += len(await self._turns.cancel_waiting(lane, "dropped by ABORT", of=user.id))
            # In a shared session what runs may be somebody else's.
            stopped += lane in running and await self._turns.interrupt(lane) is not None
        if stopped:
            return "Stopped" + (f", and dropped {dropped} that waited behind it" if dropped else "")
        return f"Dropped {dropped} that had not begun" if dropped else "Nothing of yours is running"
