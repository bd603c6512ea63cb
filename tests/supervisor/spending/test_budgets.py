"""Limits: nothing starts beyond them, and they survive a restart and a change of the configuration."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from supervisor.protocol.codes import CodeKind
from supervisor.protocol.errors import BudgetExceeded, SessionNotActive
from supervisor.protocol.status import EndReason, SessionStatus, TurnState
from supervisor.protocol.times import DAY_MS, nanos, now_ms
from supervisor.store.records.result import Result
from tests.supervisor.harness import Core
from tests.supervisor.helpers import (
    ask,
    connect,
    scripted,
    send,
    session,
    text_message,
)
from tests.supervisor.spending.limited import ALICE, assistant, core_with, has_state, pay, spend, stands
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("one_utc_day")


@pytest.mark.parametrize("scope", ["user", "system"])
async def test_a_turn_that_would_pass_the_days_limit_does_not_start(tmp_path: Path, scope: str) -> None:
    async with core_with(tmp_path, **{f"{scope}_daily_usd": 2.0}) as core:
        await connect(core)
        await ask(core, pay(1.6))
        with pytest.raises(BudgetExceeded, match=rf"Budget exceeded: {scope} spent \$1.60 of \$2.00"):
            await ask(core, "hello")
        assert "hello" not in scripted(core).texts("s1")
        receipt = await core.intake.accept(text_message("claude: hello"))
        await until(lambda: has_state(core, receipt, TurnState.FAILED), "it is refused")
        (told,) = [row.text for row in await core.store.outbox.due("sms", now_ms=now_ms(), limit=9)]
        assert told.startswith(
            f"Budget exceeded: {scope} spent $1.60 of $2.00, and $0.50 is set aside for messages. Reply ADD 5 "
        )
        assert await core.store.ledger.disagreements() == []


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
        await until(lambda: has_state(core, refused, TurnState.FAILED), "another is refused meanwhile")
        scripted(core).release()
        await until(lambda: has_state(core, first, TurnState.COMPLETED), "it ends")
        allowed = await core.intake.accept(text_message("assistant: hello"))
        await until(lambda: has_state(core, allowed, TurnState.COMPLETED), "what it held is free")


async def test_fifty_at_once_pass_a_limit_by_nothing(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=3.0) as core:
        for number in range(50):
            await connect(core, f"s{number}")
        ends = await asyncio.gather(*(ask(core, pay(0.5), f"s{n}") for n in range(50)), return_exceptions=True)
        assert sum(isinstance(end, Result) for end in ends) == 6
        assert sum(isinstance(end, BudgetExceeded) for end in ends) == 44
        assert await stands(core) == (nanos(3.0), 0)
        assert await core.store.ledger.disagreements() == []


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
            await until(lambda: has_state(after, taken, TurnState.COMPLETED), "it ends")
            assert await stands(after) == (nanos(1.2), 0)
            refused = await after.intake.accept(text_message("assistant: hello"))
            await until(lambda: has_state(after, refused, TurnState.FAILED), "nothing starts beyond it")
