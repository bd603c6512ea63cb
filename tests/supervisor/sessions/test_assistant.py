"""The default assistant over the real gateway and the scripted model: history, and costs to the nanodollar."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from supervisor import config
from supervisor.models.offline.model import OfflineModel
from supervisor.plugins import loading as plugins
from supervisor.plugins.host import DaemonConnectorHost
from supervisor.protocol.errors import TurnFailed
from supervisor.protocol.times import NANOS
from supervisor.protocol.tools import Tools, ToolSpec
from supervisor.runtime.credentials import Credentials
from supervisor.store.ports.ledger import CostQuery
from supervisor.store.records.result import Result
from tests.connectors.assistant.tools import FunctionTools, echo
from tests.fakes import ScriptedConnector
from tests.slowness import scaled
from tests.supervisor.harness import Core
from tests.supervisor.helpers import ask, asked, connect
from tests.waiting import until


@asynccontextmanager
async def core_with(
    folder: Path, *, model: str = "", tools: Tools | None = None
) -> AsyncIterator[tuple[Core, OfflineModel]]:
    """Run a core whose assistant is the real one, on the scripted model."""
    side = DaemonConnectorHost(Credentials(folder, {}), [folder])
    assistant = plugins.build_connector("assistant", "assistant", config.Assistant(model=model), side)
    async with (
        OfflineModel() as offline,
        Core(
            folder,
            connector=ScriptedConnector(),
            assistant=assistant,
            upstream=offline.url,
            tools=lambda turn: tools,
        ) as core,
    ):
        yield core, offline


def script(*steps: Mapping[str, object]) -> str:
    """Return a prompt that contains the answer that the scripted model gives."""
    return "@@" + json.dumps({"steps": list(steps)})


async def say(core: Core, text: str, user: str = "alice") -> Result:
    """Ask the assistant and return its answer."""
    taken = await core.operations.messages.route(asked(core), core.directory.user(user), f"assistant: {text}")
    return await core.operations.messages.answer(taken)


async def test_an_answer_and_its_cost_come_from_the_model_through_the_gateway(tmp_path: Path) -> None:
    async with core_with(tmp_path) as (core, offline):
        usage = {"input_tokens": 1000, "output_tokens": 200}
        answered = await say(core, script({"text": "hello", "usage": usage}))
        assert answered.answer == "hello"
        metered = core.gateway.metered()
        assert answered.cost_nanos == sum(sums.nanos for sums in metered.values()) > 0
        assert (answered.tokens.input, answered.tokens.output) == (1000, 200)
        assert len(offline.requests) == 1


async def test_the_sums_by_message_user_day_channel_model_and_system_agree(tmp_path: Path) -> None:
    async with core_with(tmp_path) as (core, _):
        await connect(core, "s1")
        await connect(core, "s2", user="bob")
        each: dict[str, int] = {"alice": 0, "bob": 0}
        for number in range(6):
            user = ("alice", "bob")[number % 2]
            usage = {"input_tokens": 101 + number, "output_tokens": 7 * number + 1}
            each[user] += (await say(core, script({"text": "hello", "usage": usage}), user)).cost_nanos
            session_id = ("s1", "s2")[number % 2]
            each[user] += (await ask(core, f"pay {1_000_003 + number}", session_id)).cost_nanos
        everything = sum(each.values())
        total, _rows = await core.store.ledger.cost(CostQuery())
        assert total.cost_nanos == everything
        for group_by in ("user", "session", "day", "channel", "model"):
            total, rows = await core.store.ledger.cost(CostQuery(group_by=group_by))
            assert sum(row.cost_nanos for row in rows) == everything == total.cost_nanos, group_by
            if group_by == "user":
                assert {row.key: row.cost_nanos for row in rows} == each
        for session_id in ("s1", "s2"):
            stored = await core.store.sessions.get(session_id)  # type: ignore[arg-type]
            history = await core.store.turns.history(session_id, limit=99, before=None)  # type: ignore[arg-type]
            assert stored is not None
            assert stored.cost_nanos == sum(message.cost_nanos or 0 for message in history)
        metered = sum(sums.nanos for sums in core.gateway.metered().values())
        assert metered + sum(1_000_003 + number for number in range(6)) == everything
        assert everything < NANOS
        assert await core.store.ledger.disagreements() == []
        assert await core.store.check() == []


async def test_a_model_without_a_price_is_flagged_and_counts_nothing(tmp_path: Path) -> None:
    async with core_with(tmp_path, model="a-model-that-nobody-knows") as (core, _):
        answered = await say(core, script({"text": "hello"}))
        assert answered.cost_nanos == 0
        assert answered.tokens.output > 0
        rows = await core.store._database.read(
            lambda connection: connection.execute("SELECT model, unpriced, nanos FROM ledger").fetchall()
        )
        assert rows == [("a-model-that-nobody-knows", 1, 0)]
        assert core.gateway.metered()["a-model-that-nobody-knows"].unpriced == 1
        assert await core.store.ledger.disagreements() == []


async def test_an_answer_that_was_cut_is_charged_as_an_estimate(tmp_path: Path) -> None:
    async with core_with(tmp_path) as (core, _):
        with pytest.raises(TurnFailed):
            await say(core, script({"text": "a long answer " * 20, "sse_error": "Overloaded"}))
        rows = await core.store._database.read(
            lambda connection: connection.execute("SELECT sum(estimated), sum(nanos) FROM ledger").fetchall()
        )
        ((estimated, nanos),) = rows
        assert estimated >= 1
        assert nanos == sum(sums.nanos for sums in core.gateway.metered().values())
        assert await core.store.ledger.disagreements() == []


async def test_an_interrupted_answer_is_kept_and_paid_for(tmp_path: Path) -> None:
    async with core_with(tmp_path) as (core, _):
        text = script({"text": "one two three four five six seven", "token_delay": 0.2})
        taken = await core.operations.messages.route(asked(core), core.directory.user("alice"), f"assistant: {text}")
        core.operations.messages.start(taken)
        await until(lambda: _has_text(core, taken.lane), "it writes")
        await core.turns.interrupt(taken.lane)
        await until(lambda: _is_final(core, taken.accepted.message_id), "it has ended")
        found = await core.store.turns.result(taken.accepted.message_id)
        assert found is not None
        assert found.stop_reason == "interrupted"
        assert found.answer
        assert found.cost_nanos == sum(sums.nanos for sums in core.gateway.metered().values()) > 0


def _has_text(core: Core, lane: str) -> bool:
    running = core.turns.running(lane)
    return running is not None and bool(running.text)


async def _is_final(core: Core, message_id: object) -> bool:
    found = await core.store.turns.result(message_id)  # type: ignore[arg-type]
    return found is not None and found.turn.state.final


class StartingTools(FunctionTools):
    """Tools of a server that connects as soon as somebody waits for it."""

    works = False

    async def settle(self) -> None:
        self.works = True

    def listed(self) -> Sequence[ToolSpec]:
        return super().listed() if self.works else ()


async def test_a_turn_waits_for_tools_that_are_just_starting(tmp_path: Path) -> None:
    tools = StartingTools(one=echo)
    async with core_with(tmp_path, tools=tools) as (core, _):
        called = {"tools": [{"name": "one", "input": {"text": "hello"}}]}
        assert (await say(core, script(called, {"text": "done"}))).answer == "done"
    assert [call.input for call in tools.calls] == [{"text": "hello"}]


class HangingTools(FunctionTools):
    """Tools of a server that never comes to connect."""

    def __init__(self) -> None:
        super().__init__(one=echo)
        self.waited_for = asyncio.Event()

    async def settle(self) -> None:
        self.waited_for.set()
        await asyncio.Event().wait()


async def test_a_turn_that_waits_for_tools_is_stopped_at_once(tmp_path: Path) -> None:
    tools = HangingTools()
    async with core_with(tmp_path, tools=tools) as (core, offline):
        taken = await core.operations.messages.route(asked(core), core.directory.user("alice"), "assistant: hello")
        core.operations.messages.start(taken)
        await asyncio.wait_for(tools.waited_for.wait(), scaled(10.0))
        await until(lambda: core.turns.running(taken.lane) is not None, "it has begun")
        await core.turns.interrupt(taken.lane)
        await until(lambda: _is_final(core, taken.accepted.message_id), "it has ended")
        found = await core.store.turns.result(taken.accepted.message_id)
        assert found is not None
        assert found.stop_reason == "interrupted"
        assert not offline.requests


async def test_a_thread_has_its_own_history_over_a_restart(tmp_path: Path) -> None:
    async with core_with(tmp_path) as (core, offline):
        await say(core, script({"text": "the first answer"}))
        await say(core, "somebody else's question", "bob")
    async with core_with(tmp_path) as (core, offline):
        await say(core, script({"text": "the second answer"}))
        turns = offline.requests[-1].turns
        assert ("assistant", "the first answer") in turns
        assert not any("somebody else" in text for _, text in turns)


async def test_its_way_to_the_model_is_closed_after_the_turn(tmp_path: Path) -> None:
    assistant = ScriptedConnector()
    async with Core(tmp_path, connector=ScriptedConnector(), assistant=assistant) as core:
        await say(core, "hello")
        await say(core, "hello")
        first, second = assistant.endpoints()
        assert first is not None
        assert second is not None
        assert first.token != second.token
        assert assistant.open_now() == []
