"""Spending as a whole: a turn is charged once, each level is told once, calls together exceed a limit by one."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from supervisor.protocol.errors import BudgetExceeded
from supervisor.protocol.events import AnyEvent, CostAlert
from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.status import TurnState
from supervisor.protocol.times import nanos
from supervisor.spending.meter import SpendingLimit
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import (
    ask,
    connect,
    result,
    scripted,
    send,
    state,
    text_message,
)
from tests.supervisor.spending.limited import assistant, call, core_with, has_state, pay, spend, stands
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("one_utc_day")


def alerts_to_alice(core: Core) -> list[str]:
    """Return what alice is told of her limits, oldest first."""
    with closing(sqlite3.connect(core.file)) as database:
        rows = database.execute("SELECT body FROM outbox WHERE user_id = 'alice' ORDER BY number")
        return [body for (body,) in rows if body and " is spent" in body]


async def test_a_turn_that_is_reported_after_a_restart_is_charged_once_and_holds_nothing(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=2.0) as core:
        await connect(core)
        taken = await send(core, "tool make deploy")
        await until(lambda: scripted(core).prompts, "it runs")
        await spend(core, 0.4)
        assert await stands(core) == (0, nanos(0.5))
        for _ in range(2):  # as after a kill: nothing of the first core had ended; the second time nothing is left
            async with core_with(tmp_path, user_daily_usd=2.0) as after:
                assert await state(after, taken) is TurnState.INTERRUPTED
                assert await stands(after) == (nanos(0.4), 0)
                assert await after.store.ledger.disagreements() == []


async def test_a_turn_that_runs_again_after_a_restart_is_charged_once_and_holds_once(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=2.0) as core:
        taken = await core.intake.accept(text_message("assistant: hold on"))
        await until(assistant(core).held, "it runs")
        await spend(core, 0.7)
        assert await stands(core) == (0, nanos(0.7))
        async with core_with(tmp_path, user_daily_usd=2.0) as after:
            await until(assistant(after).held, "it runs again")
            assert await stands(after) == (0, nanos(0.7))
            await spend(after, 0.2, 1)
            assistant(after).release()
            await until(lambda: has_state(after, taken, TurnState.COMPLETED), "it ends")
            assert await stands(after) == (nanos(0.9), 0)
            assert await after.store.ledger.disagreements() == []


async def test_each_level_is_told_once_with_a_code_from_80_percent_on(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=10.0) as core:
        heard: list[AnyEvent] = []
        core.hub.subscribe("costs", heard.append)
        await connect(core)
        for dollars in (4.9, 0.2, 0.1, 3.0, 1.5):
            await ask(core, pay(dollars))
        alerts = [event for event in heard if isinstance(event, CostAlert)]
        assert [(a.scope, a.id, a.level, a.limit_usd) for a in alerts] == [
            ("user", "alice", "warning", 10.0),
            ("user", "alice", "warning", 10.0),
        ]
        texts = alerts_to_alice(core)
        assert texts[0] == "50 % of your limit of today is spent: $5.10 of $10.00."
        assert re.fullmatch(
            r"80 % of your limit of today is spent: \$8\.20 of \$10\.00\. "
            r"Reply ADD 5 [A-Z]{5} to raise it by \$5\.",
            texts[1],
        )
        assert len(texts) == 2


class AskedLimit:
    """Notes what was refused because of calls under way, in nanodollars that they were taken to cost."""

    def __init__(self, limit: SpendingLimit | None) -> None:
        assert limit is not None
        self._limit = limit
        self.refused: list[int] = []

    async def refusal(self, turn_id: int | None, user_id: UserId, under_way: int) -> BudgetExceeded | None:
        error = await self._limit.refusal(turn_id, user_id, under_way)
        if error is not None and under_way:
            self.refused.append(under_way)
        return error


async def test_parallel_calls_wait_where_they_might_pass_a_limit_together(tmp_path: Path) -> None:
    async with core_with(tmp_path, message_usd=1.0, reserve_usd=0.6) as core:
        await connect(core)
        await send(core, "hold on")
        await until(scripted(core).held, "it runs")
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        assert await live.meter.admit("claude-x", 0, most_nanos=600_000_000) is None
        asked = live.meter._limit = AskedLimit(live.meter._limit)
        second = asyncio.create_task(live.meter.admit("claude-x", 0, most_nanos=600_000_000))
        third = asyncio.create_task(live.meter.admit("claude-x", 0, most_nanos=600_000_000))
        await until(lambda: asked.refused, "what they might cost together was refused")
        assert asked.refused == [nanos(1.2)]
        assert not second.done()
        assert not third.done()
        live.meter.started(call(1.1, 1))
        live.meter.finished(call(1.1, 1))
        live.meter.over()
        assert "message spent $1.10 of $1.00" in str(await second)
        assert "Budget exceeded" in str(await third)
        scripted(core).release()


async def test_cheap_calls_so_far_let_no_dear_ones_through_together(tmp_path: Path) -> None:
    async with core_with(tmp_path, message_usd=1.0) as core:
        await connect(core)
        await send(core, "hold on")
        await until(scripted(core).held, "it runs")
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        assert await live.meter.admit("claude-x", 0, most_nanos=10_000_000) is None
        live.meter.started(call(0.01, 0))
        live.meter.finished(call(0.01, 0))
        live.meter.over()
        dear = [asyncio.create_task(live.meter.admit("claude-x", 0, most_nanos=1_000_000_000)) for _ in range(20)]
        await until(lambda: _any_done(dear), "one is let through")
        live.meter.started(call(1.0, 1))
        live.meter.finished(call(1.0, 1))
        live.meter.over()
        told = await asyncio.gather(*dear)
        assert told.count(None) == 1
        scripted(core).release()


async def _any_done(tasks: list[asyncio.Task[str | None]]) -> bool:
    return any(task.done() for task in tasks)


async def test_a_model_without_a_price_makes_no_call_under_a_limit(tmp_path: Path) -> None:
    async with core_with(tmp_path, system_daily_usd=5.0) as core:
        await connect(core)
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        assert "no limit on spending could hold" in str(await live.meter.admit("unheard-of", 0, most_nanos=None))


async def test_what_could_not_be_journalled_is_written_with_the_turn_s_end(tmp_path: Path) -> None:
    refusing = False

    def crash(point: str) -> None:
        if refusing and point.startswith("journal"):
            raise OSError("no space left")

    async with Core(tmp_path, connector=ScriptedConnector(), crash=crash) as core:
        await connect(core)
        taken = await send(core, "hold on")
        await until(scripted(core).held, "it runs")
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        live.meter.started(call(0.1, 1))
        await live.meter.drain()
        refusing = True
        live.meter.finished(call(0.5, 1))
        scripted(core).release()
        await until(core.all_answered, "it has ended")
        found = await result(core, taken.accepted.message_id)
        assert found.cost_nanos == nanos(0.5), "not what was estimated, which was journalled"
        assert await core.store.ledger.disagreements() == []
