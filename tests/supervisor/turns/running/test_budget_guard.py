"""A running turn that is refused a call ends, and the people who pay for it are told of its levels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.protocol.events import AnyEvent, CostAlert
from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.status import TurnState
from supervisor.protocol.times import nanos, now_ms
from supervisor.turns.running.turn import RunningTurn
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import (
    PLENTY,
    ask,
    connect,
    result,
    scripted,
    send,
)
from tests.supervisor.spending.limited import call, core_with, has_state
from tests.supervisor.store.builders import charge
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("one_utc_day")


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
        await until(lambda: has_state(core, taken, TurnState.FAILED), "it is ended")
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
        await core.spending.alert_ended(running.turn)
