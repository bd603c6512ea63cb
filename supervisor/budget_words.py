"""ADD 5 CODE: an administrator raises one limit."""

from __future__ import annotations

from supervisor.budgets import Scope
from supervisor.commands import Answer, Asker
from supervisor.protocol.codes import CodeKind
from supervisor.protocol.status import Role
from supervisor.protocol.times import Clock, nanos, now_ms, usd
from supervisor.spending import Spending
from supervisor.store.port import Store
from supervisor.words import Command, Word

MOST_TIMES = 10
"""A limit is raised to at most so many times what config.toml says, or by `MOST_DOLLARS` where that is more."""

MOST_DOLLARS = 1000


class BudgetWords:
    """Carries it out for a user.

    Attributes:
        words: what it carries out.
    """

    words = frozenset({Word.ADD})

    def __init__(self, store: Store, spending: Spending, clock: Clock = now_ms) -> None:
        self._store = store
        self._spending = spending
        self._clock = clock

    async def answer(self, command: Command, asker: Asker) -> Answer:
        """Raise a limit, and say what it is now."""
        code = await self._store.codes.find(command.code)
        if code is None or code.kind is not CodeKind.BUDGET or code.user_id != asker.user.id:
            return Answer(text=f"No limit is raised by the code {command.code}. Nothing was added.")
        if asker.user.role is not Role.ADMIN:
            return Answer(text="Only an administrator raises a limit. Nothing was added.")
        if not code.is_open(self._clock()):
            return Answer(text=f"The code {command.code} counts no more. Nothing was added.")
        scope, day, key = code.ref.split("/", 2)
        limit = self._spending.limit(scope)
        amount = nanos(float(command.amount_usd or 0))
        if limit is None or amount <= 0:
            return Answer(text="There is no such limit, or nothing to add. Nothing was added.")
        most = max(MOST_TIMES * limit, nanos(MOST_DOLLARS))
        added = await self._store.budgets.add(
            scope, key, int(day), amount, most=most, by=asker.user.id, now_ms=self._clock()
        )
        if added is None:
            return Answer(text=f"A limit is raised by at most ${usd(most):.2f}. Nothing was added.")
        name = f"{Scope(scope)} {key}".strip()
        return Answer(text=f"Added ${usd(amount):.2f}: the limit of {name} is ${usd(limit + added):.2f} now.")
