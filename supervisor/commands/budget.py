"""ADD 5 CODE: an administrator raises one limit by 5 US dollars."""

from __future__ import annotations

from supervisor.commands.dispatch import Asker, CommandAnswer
from supervisor.commands.words import Command, Word
from supervisor.protocol.codes import CodeKind
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import Role
from supervisor.protocol.times import Clock, nanos, now_ms, usd
from supervisor.sessions.pool import SessionPool
from supervisor.spending.limits import MOST_TIMES, Scope, most_added
from supervisor.spending.spending import Spending
from supervisor.store.ports.codes import CodeStore
from supervisor.store.records.acceptance import Raise, Raised


class BudgetCommands:
    """Carries out ADD.

    Args:
        sessions: those in memory.

    Attributes:
        words: the words that it carries out.
    """

    words = frozenset({Word.ADD})

    def __init__(self, codes: CodeStore, spending: Spending, sessions: SessionPool, clock: Clock = now_ms) -> None:
        self._codes = codes
        self._sessions = sessions
        self._spending = spending
        self._clock = clock

    async def answer(self, command: Command, asker: Asker) -> CommandAnswer:
        """Return what T1 adds to a limit, and the sentence for each result."""
        # Before the code is looked up: others must not learn whether the code exists.
        if asker.user.role is not Role.ADMIN:
            return CommandAnswer(text="Only an administrator can raise a limit. Nothing was added.")
        code = await self._codes.find(command.code)
        if code is None or code.kind is not CodeKind.BUDGET or code.user_id != asker.user.id:
            return CommandAnswer(text=f"No limit has the code {command.code}. Nothing was added.")
        if code.closed_ms is None and not code.is_open(self._clock()):
            return CommandAnswer(text=f"The code {command.code} is no longer valid. Nothing was added.")
        scope, day, key = code.ref.split("/", 2)
        limit = self._spending.limit(scope)
        amount = nanos(float(command.amount_usd or 0))
        if limit is None or amount <= 0:
            return CommandAnswer(text="The limit no longer exists, or the amount is zero. Nothing was added.")
        name = f"{Scope(scope)} {key}".strip()

        def told(added: int, result: Raised) -> str:
            so_far = f"${usd(limit + added):.2f}"
            if result is Raised.USED:
                return f"The code {code.code} was used already: the limit of {name} is {so_far}. Nothing was added."
            if result in (Raised.ADDED, Raised.REOPENED):
                goes_on = " The session is open again for its next message." if result is Raised.REOPENED else ""
                return f"Added ${usd(amount):.2f}: the limit of {name} is {so_far} now.{goes_on}"
            most = f"at most ${usd(MOST_TIMES * limit):.2f}, {MOST_TIMES} times what is configured"
            return f"The limit of {name} is {so_far}, and can be raised to {most}. Nothing was added."

        if scope == Scope.SESSION:
            # Before T1: if T1 fails, or adds nothing, the limit still refuses what comes next.
            self._sessions.reopen(SessionId(key))
        raises = Raise(
            scope=scope,
            key=key,
            day=int(day),
            nanos=amount,
            most=most_added(limit),
            told=told,
            code=code.code,
        )
        return CommandAnswer(text="Nothing was added.", raises=raises)
