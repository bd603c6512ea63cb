"""Limits on spending: nothing starts beyond them, they survive a restart, each level is told once, ADD raises one."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from supervisor.config import BudgetConfig
from supervisor.models.gateway.meter import ModelCall
from supervisor.protocol.codes import CodeKind
from supervisor.protocol.conversation import Tokens
from supervisor.protocol.errors import BudgetExceeded, SessionNotActive
from supervisor.protocol.events import AnyEvent, CostAlert
from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.status import EndReason, SessionStatus, TurnState
from supervisor.protocol.times import DAY_MS, NANOS, nanos, now_ms
from supervisor.spending.limits import Scope
from supervisor.spending.meter import SpendingLimit
from supervisor.store.records.result import Result
from supervisor.turns.running import RunningTurn
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import (
    PLENTY,
    ask,
    connect,
    result,
    scripted,
    send,
    session,
    state,
    text_message,
)
from tests.supervisor.store.builders import charge
from tests.waiting import until

ALICE = UserId("alice")


def core_with(folder: Path, **limits: float) -> Core:
    budgets = BudgetConfig(**{"reserve_usd": 0.5, **limits})
    connector, assistant = ScriptedConnector(), ScriptedConnector()
    return Core(folder, connector=connector, assistant=assistant, claude_code=PLENTY, budgets=budgets)


def pay(dollars: float) -> str:
    """Return a prompt that costs so much."""
    return f"pay {round(dollars * NANOS)}"


@pytest.mark.parametrize("scope", ["user", "system"])
async def test_a_turn_that_would_pass_the_days_limit_does_not_start(tmp_path: Path, scope: str) -> None:
    async with core_with(tmp_path, **{f"{scope}_daily_usd": 2.0}) as core:
        await connect(core)
        await ask(core, pay(1.6))
        with pytest.raises(BudgetExceeded, match=rf"Budget exceeded: {scope} spent \$1.60 of \$2.00"):
            await ask(core, "hello")
        assert "hello" not in scripted(core).texts("s1")
        receipt = await core.intake.accept(text_message("claude: hello"))
        await until(lambda: _is(core, receipt, TurnState.FAILED), "it is refused")
        (told,) = [row.text for row in await core.store.outbox.due("sms", now_ms=now_ms(), limit=9)]
        assert told.startswith(f"Budget exceeded: {scope} spent $1.60 of $2.00. Reply ADD 5 ")
        assert await core.store.ledger.disagreements() == []


def alerts_to_alice(core: Core) -> list[str]:
    """Return what alice is told of her limits, oldest first."""
    with closing(sqlite3.connect(core.store.path)) as database:
        rows = database.execute("SELECT body FROM outbox WHERE user_id = 'alice' ORDER BY number")
        return [body for (body,) in rows if body and "of the limit" in body]


async def _is(core: Core, receipt: Any, wanted: TurnState) -> bool:
    return await state(core, receipt) is wanted


async def test_a_limit_that_is_used_up_is_so_after_a_restart(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=2.0) as core:
        await connect(core)
        await ask(core, pay(1.9))
    async with core_with(tmp_path, user_daily_usd=2.0) as core:
        await connect(core)
        with pytest.raises(BudgetExceeded):
            await ask(core, "hello")


async def test_a_session_that_has_spent_its_limit_ends_for_good(tmp_path: Path) -> None:
    async with core_with(tmp_path, session_usd=1.0) as core:
        await connect(core)
        await ask(core, pay(0.8))
        with pytest.raises(BudgetExceeded, match=r"session spent \$0.80 of \$1.00"):
            await ask(core, "hello")
        await until(lambda: _has_ended(core), "the session is closed")
        with pytest.raises(SessionNotActive):
            await send(core, "hello")
        await connect(core, "s2")
        assert (await ask(core, "hello", "s2")).answer == "hello"


async def _has_ended(core: Core) -> bool:
    found = await session(core)
    return (found.status, found.end_reason) == (SessionStatus.DISCONNECTED, EndReason.BUDGET)


async def test_what_running_turns_hold_counts_for_others(tmp_path: Path) -> None:
    async with core_with(tmp_path, system_daily_usd=0.9) as core:
        await connect(core, "s1", path=core.site)
        first = await send(core, "hold on")
        await until(scripted(core).held, "it runs")
        refused = await core.intake.accept(text_message("assistant: hello"))
        await until(lambda: _is(core, refused, TurnState.FAILED), "another is refused meanwhile")
        scripted(core).release()
        await until(lambda: _is(core, first, TurnState.COMPLETED), "it ends")
        allowed = await core.intake.accept(text_message("assistant: hello"))
        await until(lambda: _is(core, allowed, TurnState.COMPLETED), "what it held is free")


async def test_fifty_at_once_pass_a_limit_by_nothing(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=3.0) as core:
        for number in range(50):
            await connect(core, f"s{number}")
        ends = await asyncio.gather(*(ask(core, pay(0.5), f"s{n}") for n in range(50)), return_exceptions=True)
        assert sum(isinstance(end, Result) for end in ends) == 6
        assert sum(isinstance(end, BudgetExceeded) for end in ends) == 44
        assert await stands(core) == (nanos(3.0), 0)
        assert await core.store.ledger.disagreements() == []


async def stands(core: Core) -> tuple[int, int]:
    """Return what alice has spent today and what her running turns hold, in nanodollars."""
    account = (await core.spending.standing(ALICE, None))[0]
    assert account.scope is Scope.USER
    return account.spent, account.held


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
            await until(lambda: _is(after, taken, TurnState.COMPLETED), "it ends")
            assert await stands(after) == (nanos(0.9), 0)
            assert await after.store.ledger.disagreements() == []


async def spend(core: Core, dollars: float, number: int = 0) -> None:
    """Journal a call of so much for the one turn that runs."""
    (running,) = core.turns.running_turns()
    await core.store.ledger.journal(running.turn.id, charge(f"call-{number}", nanos(dollars)))


def assistant(core: Core) -> ScriptedConnector:
    assert isinstance(core.assistant_connector, ScriptedConnector)
    return core.assistant_connector


async def admitted(core: Core) -> str | None:
    """Return why the one turn that runs may make no further call."""
    (running,) = core.turns.running_turns()
    refusal = await core.spending.refusal(running.turn.id, ALICE, running.turn.session_id, 0)
    return str(refusal) if refusal is not None else None


async def test_a_limit_that_is_raised_in_the_midst_of_a_turn_lets_it_go_on(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=1.0) as core:
        await connect(core)
        await send(core, "hold on")
        await until(scripted(core).held, "it runs")
        await spend(core, 0.9)
        assert await admitted(core) is None
        today = now_ms() // DAY_MS
        until_ms = (today + 1) * DAY_MS
        code = await core.store.codes.issue(CodeKind.BUDGET, f"user/{today}/alice", ALICE, until_ms=until_ms)
        await core.intake.accept(text_message(f"ADD 1 {code}"))
        await spend(core, 0.9, 1)
        assert await admitted(core) is None
        await spend(core, 0.2, 2)
        assert await admitted(core) == "Budget exceeded: user spent $2.00 of $2.00"


async def test_a_limit_that_is_lowered_in_the_midst_of_a_turn_holds_from_its_next_call_on(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=2.0) as core:
        taken = await core.intake.accept(text_message("assistant: hold on"))
        await until(assistant(core).held, "it runs")
        await spend(core, 1.2)
        assert await admitted(core) is None
        async with core_with(tmp_path, user_daily_usd=1.0) as after:  # config.toml is read at the start
            await until(assistant(after).held, "it runs again: what it has used itself stops it at its next call")
            assert await admitted(after) == "Budget exceeded: user spent $1.20 of $1.00"
            assistant(after).release()
            await until(lambda: _is(after, taken, TurnState.COMPLETED), "it ends")
            assert await stands(after) == (nanos(1.2), 0)
            refused = await after.intake.accept(text_message("assistant: hello"))
            await until(lambda: _is(after, refused, TurnState.FAILED), "nothing starts beyond it")


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
        assert texts[0] == "50 % of the limit of user alice is spent: $5.10 of $10.00."
        assert re.fullmatch(
            r"80 % of the limit of user alice is spent: \$8\.20 of \$10\.00\. "
            r"Reply ADD 5 [A-Z]{5} to raise it by 5 dollars\.",
            texts[1],
        )
        assert len(texts) == 2


def call(dollars: float, number: int) -> ModelCall:
    """Return a call of a turn that has cost so much."""
    return ModelCall(
        id=f"call-{number}",
        owner="s1",
        model="claude-x",
        tokens=Tokens(input=1, output=1),
        nanos=nanos(dollars),
        agent_id=None,
        session_header=None,
        complete=True,
    )


async def test_a_running_turn_is_refused_calls_and_ended_where_it_goes_on(tmp_path: Path) -> None:
    async with core_with(tmp_path, message_usd=1.0) as core:
        core.guard._refused_seconds = 0.0
        await connect(core)
        taken = await send(core, "hold on")
        await until(scripted(core).held, "it runs")
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        for number in range(3):
            assert await live.meter.admit("claude-x", 0, most_nanos=0) is None
            live.meter.started(call(0.4, number))
            live.meter.finished(call(0.4, number))
            live.meter.over()
        refusal = await live.meter.admit("claude-x", 0, most_nanos=0)
        assert refusal == "Budget exceeded: message spent $1.20 of $1.00"
        await until(lambda: _is(core, taken, TurnState.FAILED), "it is ended")
        found = await result(core, taken.accepted.message_id)
        assert (found.answer, found.stop_reason, found.why) == ("so far", "budget", refusal)
        assert (await ask(core, "hello")).answer == "hello"
        assert await core.store.ledger.disagreements() == []


async def test_who_wrote_a_message_that_was_sent_into_a_turn_is_told_of_their_own_limit(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=1.0) as core:
        heard: list[AnyEvent] = []
        core.hub.subscribe("costs", heard.append)
        await connect(core)
        await send(core, "hold on")
        await until(scripted(core).held, "it runs")
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        assert live.meter.on_spent is not None
        (running,) = core.turns.running_turns()
        part = replace(running.turn, id=running.turn.id + 1, user_id=UserId("bob"))
        running.joined = [RunningTurn(part, core.hub, lambda turn_id, event: None)]
        assert await core.store.ledger.post(None, charge("c", nanos(0.5)), user_id=part.user_id, now_ms=now_ms())
        await live.meter.on_spent(running.turn.id)
        assert heard == []
        await live.meter.on_spent(part.id)
        assert [(e.scope, e.id) for e in heard if isinstance(e, CostAlert)] == [("user", "bob")]


async def test_without_limits_nobody_is_told_of_what_is_spent(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector(), claude_code=PLENTY) as core:
        await connect(core)
        await send(core, "hold on")
        await until(scripted(core).held, "it runs")
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        assert live.meter.on_spent is None
        (running,) = core.turns.running_turns()
        await core.spending.alert(running.turn)


class AskedGauge:
    """Notes what was refused because of calls under way, in nanodollars that they were taken to cost."""

    def __init__(self, gauge: SpendingLimit | None) -> None:
        assert gauge is not None
        self._gauge = gauge
        self.refused: list[int] = []

    async def refusal(self, turn_id: int | None, user_id: UserId, under_way: int) -> BudgetExceeded | None:
        error = await self._gauge.refusal(turn_id, user_id, under_way)
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
        asked = live.meter._gauge = AskedGauge(live.meter._gauge)
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
