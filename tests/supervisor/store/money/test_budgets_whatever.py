"""Whatever turns set aside, spend and give back, in any order: a limit holds, and the ledger has what was spent."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.protocol.errors import BudgetExceeded
from supervisor.protocol.messages import UserId
from supervisor.protocol.status import TurnState
from supervisor.spending.limits import Account, Scope, refuse_call, refuse_turn
from supervisor.store import SqliteStore, open_store
from supervisor.store.ports.budgets import Spent
from supervisor.store.ports.ledger import CostQuery
from tests.supervisor.store.builders import NOW, charge, outcome, question, running, seal

LIMIT = 200
RESERVED = 100
"""Nanodollars: the most that a turn sets aside, and that one call costs."""

USERS = [UserId("alice"), UserId("bob")]

BEGIN = st.tuples(st.just("begin"), st.integers(0, 1), st.integers(1, RESERVED))
CALL = st.tuples(st.just("call"), st.integers(0, 9), st.integers(RESERVED // 2, RESERVED))
END = st.tuples(st.just("end"), st.integers(0, 9), st.sampled_from([0, 1]))
RESTART = st.tuples(st.just("restart"), st.just(0), st.just(0))


class Day:
    """A user's day and the system's, under one limit each, over a real store.

    Attributes:
        under_way: the turns that run: id, and whose.
        spent: nanodollars by user, of calls that were let through.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.under_way: list[tuple[int, UserId]] = []
        self.spent = dict.fromkeys(USERS, 0)
        self._turns = 0
        self._calls = 0

    async def open(self) -> None:
        """Open the store, as a start of the daemon does."""
        self.store: SqliteStore = await open_store(self._path, seal=seal)

    async def begin(self, user: int, reserved: int) -> None:
        """Begin a turn; one that is refused ends at once, as a failure."""
        user_id = USERS[user]
        self._turns += 1
        turn = await running(self.store, question(user_id=user_id, lane=f"assistant/{user_id}/{self._turns}"))

        def check(standing: Sequence[Spent]) -> BudgetExceeded | None:
            return refuse_turn(accounts(standing), reserved)

        if await self.store.budgets.reserve(turn.id, user_id, None, reserved, check, now_ms=NOW) is None:
            self.under_way.append((turn.id, user_id))
        else:
            await self.store.turns.finish(turn.id, outcome(TurnState.FAILED))

    async def call(self, number: int, nanos: int) -> None:
        """Let a turn make a call where it may."""
        if not self.under_way:
            return
        turn_id, user_id = self.under_way[number % len(self.under_way)]
        standing, used = await self.store.budgets.standing(turn_id, user_id, None, now_ms=NOW)
        if refuse_call(accounts(standing), used) is None:
            self._calls += 1
            await self.store.ledger.journal(turn_id, charge(f"call-{self._calls}", nanos))
            self.spent[user_id] += nanos

    async def end(self, number: int, failed: int) -> None:
        """End a turn, well or not: what it has used is posted, the rest of what it held is free."""
        if self.under_way:
            turn_id, _ = self.under_way.pop(number % len(self.under_way))
            await self.store.turns.finish(turn_id, outcome(TurnState.FAILED if failed else TurnState.COMPLETED))

    async def restart(self, *_: int) -> None:
        """Die and start again; what ran is ended by the next start."""
        await self.store.close()
        await self.open()
        left = await self.store.turns.unfinished()
        assert {turn.id for turn in left} == {turn_id for turn_id, _ in self.under_way}
        for turn in left:
            await self.store.turns.adopt(turn.id)
            await self.store.turns.finish(turn.id, outcome(TurnState.INTERRUPTED))
        self.under_way.clear()

    async def check(self) -> None:
        """Hold the limits against what was spent and is held."""
        for user_id in USERS:
            standing, _ = await self.store.budgets.standing(None, user_id, None, now_ms=NOW)
            for account in accounts(standing):
                assert account.spent + account.held < LIMIT + RESERVED
                theirs = self.spent[user_id] if account.scope is Scope.USER else sum(self.spent.values())
                assert account.spent <= theirs <= account.spent + account.held

    async def close(self) -> None:
        """End what runs; then nothing is held, and every sum is what was spent."""
        while self.under_way:
            await self.end(0, 0)
        for user_id in USERS:
            standing, _ = await self.store.budgets.standing(None, user_id, None, now_ms=NOW)
            sums = {Scope.USER: self.spent[user_id], Scope.SYSTEM: sum(self.spent.values())}
            assert {one.scope: (one.nanos, one.held) for one in standing} == {k: (v, 0) for k, v in sums.items()}
            total, _ = await self.store.ledger.cost(CostQuery(user_id=user_id))
            assert total.cost_nanos == self.spent[user_id]
        assert await self.store.check() == []
        await self.store.close()


def accounts(standing: Sequence[Spent]) -> list[Account]:
    return [
        Account(scope=Scope(one.scope), id=one.key, limit=LIMIT, spent=one.nanos, held=one.held) for one in standing
    ]


@given(st.lists(st.one_of(BEGIN, BEGIN, CALL, CALL, CALL, END, RESTART), min_size=10, max_size=40))
@settings(max_examples=60)
def test_no_order_of_things_passes_a_limit_by_more_than_a_reservation(steps: list[tuple[str, int, int]]) -> None:
    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            day = Day(Path(folder) / "x.db")
            await day.open()
            for name, number, amount in steps:
                await getattr(day, name)(number, amount)
                await day.check()
            await day.close()

    asyncio.run(run())
