"""Tool calls of the assistant: what only reads runs, everything else is asked about, and recorded before it runs."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from connectors.assistant.config import AssistantConfig
from connectors.assistant.plugin import AssistantConnector
from supervisor.config.tables import Approvals, BudgetConfig
from supervisor.models.offline.model import OfflineModel
from supervisor.protocol.messages import MessageId
from supervisor.protocol.status import TurnState
from supervisor.protocol.tools import ToolCall, ToolOutput, Tools
from supervisor.store.ports.approvals import ApprovalState
from supervisor.store.records.turn import Turn
from supervisor.store.sqlite.errors import storage_error
from supervisor.undo.edits import ALLOWED, READ
from tests.connectors.assistant.tools import FunctionTools, echo
from tests.slowness import scaled
from tests.supervisor.approvals.questions import answer_of, open_one, say, stored
from tests.supervisor.harness import Core
from tests.supervisor.helpers import result, text_message
from tests.waiting import until


class NamingTools(FunctionTools):
    """Shows the name of a person in place of a reference, and knows one reference."""

    learned = False

    def hidden(self, text: str) -> str:
        return text.replace("Ada Lovelace", "entity-4f5a1c2e") if self.learned else text

    async def learn(self) -> None:
        self.learned = True

    async def shown(self, call: ToolCall) -> ToolCall | ToolOutput:
        text = str(call.input.get("text", ""))
        if "entity-unknown" in text:
            return ToolOutput(text="entity-unknown is not known", failed=True)
        given = {**call.input, "text": text.replace("entity-4f5a1c2e", "Ada Lovelace")}
        return ToolCall(tool_use_id=call.tool_use_id, name=call.name, input=given)


@asynccontextmanager
async def core_with(folder: Path, tools: Tools, **settings: Any) -> AsyncIterator[Core]:
    async with core_and_model(folder, tools, **settings) as (core, _):
        yield core


@asynccontextmanager
async def core_and_model(folder: Path, tools: Tools, **settings: Any) -> AsyncIterator[tuple[Core, OfflineModel]]:
    def of_turn(turn: Turn) -> Tools:
        return tools

    connector = AssistantConnector(AssistantConfig(), max_retries=0)
    async with (
        OfflineModel() as model,
        Core(folder, assistant=connector, upstream=model.url, tools=of_turn, **settings) as core,
    ):
        yield core, model


async def text(core: Core, words: str) -> MessageId:
    """Send a text message to the assistant."""
    receipt = await core.intake.accept(text_message(f"assistant: {words}"))
    assert receipt.message_id is not None
    return receipt.message_id


async def asking(core: Core, words: str) -> tuple[MessageId, Any]:
    """Send a text message that leads to a question; return both."""
    message_id = await text(core, words)
    await until(lambda: open_one(core), "the question is asked")
    return message_id, await open_one(core)


async def test_a_call_that_only_reads_runs_unasked(tmp_path: Path) -> None:
    async with core_with(tmp_path, FunctionTools(echo=echo)) as core:
        message_id = await text(core, 'call echo {"text": "nobody was asked"}')
        assert "nobody was asked" in await answer_of(core, message_id)
        turn = (await result(core, message_id)).turn
        kinds = [kind for kind, _ in await core.store.turns.events(turn.id)]
        assert (set(kinds[:2]), kinds[2:]) == ({"tool_started", READ}, ["tool_finished"])


async def test_a_call_that_only_reads_does_not_run_where_it_cannot_be_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = FunctionTools(echo=echo)
    async with core_with(tmp_path, tools) as core:
        record = core.store.turns.record_event

        async def full(turn_id: int, kind: str, payload: dict[str, Any], *, now_ms: int) -> None:
            if kind == READ:
                raise storage_error(OSError(errno.ENOSPC, "No space left on device"))
            await record(turn_id, kind, payload, now_ms=now_ms)

        monkeypatch.setattr(core.store.turns, "record_event", full)
        message_id = await text(core, 'call echo {"text": "x"}')
        told = await answer_of(core, message_id)
        assert "because the database refused: No space left on device" in told
        assert tools.calls == []


async def test_every_other_call_waits_for_a_yes_and_is_recorded_before_it_runs(tmp_path: Path) -> None:
    recorded: list[list[str]] = []

    async def write(given: Any) -> str:
        turn = (await result(core, message_id)).turn
        recorded.append([kind for kind, _ in await core.store.turns.events(turn.id)])
        return "written"

    async with core_with(tmp_path, FunctionTools(reads=False, write=write)) as core:
        message_id, question = await asking(core, 'call write {"text": "x"}')
        assert (question.tool, question.input, question.project) == ("write", {"text": "x"}, "")
        rows = await core.store.outbox.due("sms", now_ms=2**52, limit=9)
        assert [row.text for row in rows if row.text and question.code in row.text] == [
            f'[assistant] May it run? YES {question.code} or NO {question.code}, within 15 min.\nwrite {{"text": "x"}}'
        ]
        assert await say(core, f"YES {question.code}") == 'Allowed once: write {"text": "x"}'
        assert "written" in await answer_of(core, message_id)
        assert recorded == [["tool_started", ALLOWED]]
        assert (await stored(core, question)).consumed


async def test_a_no_is_told_to_the_model(tmp_path: Path) -> None:
    tools = FunctionTools(reads=False, write=echo)
    async with core_with(tmp_path, tools) as core:
        message_id, question = await asking(core, 'call write {"text": "x"}')
        await say(core, f"NO {question.code}")
        assert 'write {"text": "x"} was not run: the person said no' in await answer_of(core, message_id)
        assert tools.calls == []


async def test_a_call_that_a_full_disk_refuses_is_told_the_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*args: Any, **more: Any) -> bool:
        raise storage_error(OSError(errno.ENOSPC, "No space left on device"))

    async with core_with(tmp_path, FunctionTools(reads=False, echo=echo)) as core:
        monkeypatch.setattr(core.store.approvals, "redeem", full)
        message_id = await text(core, 'call echo {"text": "x"}')
        told = await answer_of(core, message_id)
        assert "because the database refused: No space left on device; free disk space under state.dir" in told


async def test_a_refusal_tells_the_model_no_name(tmp_path: Path) -> None:
    async with core_with(tmp_path, NamingTools(reads=False, write=echo)) as core:
        message_id, question = await asking(core, 'call write {"text": "swap entity-4f5a1c2e"}')
        note = "ask Ada Lovelace"
        await core.approval_resolver.resolve(question, allow=False, by="bob", channel="socket", note=note)
        answer = await answer_of(core, message_id)
        assert 'write {"text": "swap entity-4f5a1c2e"} was not run: ' in answer
        assert "ask entity-4f5a1c2e" in answer
        assert "Ada Lovelace" not in answer


async def test_the_person_decides_about_names_and_the_tool_gets_references(tmp_path: Path) -> None:
    tools = NamingTools(reads=False, write=echo)
    async with core_with(tmp_path, tools) as core:
        message_id, question = await asking(core, 'call write {"text": "swap entity-4f5a1c2e"}')
        assert question.input == {"text": "swap Ada Lovelace"}
        assert "Ada Lovelace" in question.text
        await say(core, f"YES {question.code}")
        await answer_of(core, message_id)
        assert [call.input for call in tools.calls] == [{"text": "swap entity-4f5a1c2e"}]
        turn = (await result(core, message_id)).turn
        kept = json.dumps(await core.store.turns.events(turn.id))
        assert "entity-4f5a1c2e" in kept
        assert "Ada" not in kept, "the model reads them after a crash"


async def test_nobody_is_asked_about_a_call_that_cannot_be_made(tmp_path: Path) -> None:
    tools = NamingTools(reads=False, write=echo)
    async with core_with(tmp_path, tools) as core:
        message_id = await text(core, 'call write {"text": "swap entity-unknown"}')
        assert "entity-unknown is not known" in await answer_of(core, message_id)
        assert tools.calls == []


async def test_a_yes_for_minutes_covers_the_next_call_of_the_tool(tmp_path: Path) -> None:
    tools = FunctionTools(reads=False, write=echo)
    async with core_with(tmp_path, tools) as core:
        message_id, question = await asking(core, 'call write {"text": "x"}')
        told = await say(core, f"YES {question.code} 30")
        assert told == 'Allowed, and write in assistant for 30 minutes: write {"text": "x"}'
        await answer_of(core, message_id)
        assert "again" in await answer_of(core, await text(core, 'call write {"text": "again"}'))
        assert len(tools.calls) == 2


@pytest.mark.requirement(17)
async def test_a_high_risk_needs_a_second_factor_by_text(tmp_path: Path) -> None:
    tools = FunctionTools(reads=False, write=echo)
    async with core_with(tmp_path, tools, approvals=Approvals(high_risk=("other",))) as core:
        message_id, question = await asking(core, 'call write {"text": "x"}')
        assert "passphrase" in await say(core, f"YES {question.code}")
        await say(core, f"NO {question.code}")
        await answer_of(core, message_id)
        assert tools.calls == []


async def test_an_interrupt_withdraws_the_question(tmp_path: Path) -> None:
    tools = FunctionTools(reads=False, write=echo)
    async with core_with(tmp_path, tools) as core:
        message_id, question = await asking(core, 'call write {"text": "x"}')
        turn = (await result(core, message_id)).turn
        assert await core.turns.interrupt(turn.lane) is not None

        async def ended() -> bool:
            return (await result(core, message_id)).turn.state is TurnState.CANCELLED

        await until(ended, "the turn ends")
        assert (await stored(core, question)).state is ApprovalState.WITHDRAWN
        assert tools.calls == []


async def test_calls_are_kept_whole_with_their_artifacts(tmp_path: Path) -> None:
    async def report(given: Any) -> ToolOutput:
        return ToolOutput(text="2 rows", structured={"rows": [1, 2]}, title="Rows", kind="report")

    async with core_with(tmp_path, FunctionTools(report=report)) as core:
        message_id = await text(core, 'call report {"text": "x"}')
        await answer_of(core, message_id)
        turn = (await result(core, message_id)).turn
        found = await core.store.tool_calls.of_turns([turn.id])
        (call,) = found[turn.id]
        assert (call.name, call.input, call.reads, call.failed) == ("report", {"text": "x"}, True, False)
        assert (call.result, call.title, call.kind) == ("2 rows", "Rows", "report")
        assert call.artifact == {"rows": [1, 2]}
        assert call.ended_ms is not None
        (short,) = (await core.store.tool_calls.of_turns([turn.id], artifacts=False))[turn.id]
        assert short.artifact is None


async def test_the_next_turn_knows_the_calls_of_the_last_one(tmp_path: Path) -> None:
    async with core_and_model(tmp_path, FunctionTools(find=echo)) as (core, model):
        await answer_of(core, await text(core, 'call find {"text": "entity-4f5a1c2e"}'))
        await answer_of(core, await text(core, "@@" + json.dumps({"steps": [{"text": "ok"}]})))
        roles = [role for role, _ in model.requests[-1].turns]
        assert roles == ["user", "assistant", "user", "assistant", "user"]


async def test_a_budget_that_is_spent_between_two_rounds_ends_the_answer_and_keeps_what_was_written(
    tmp_path: Path,
) -> None:
    limits = BudgetConfig(message_usd=0.01)
    tools = FunctionTools(echo=echo)
    dear = {"input_tokens": 20_000, "output_tokens": 20_000}
    first = {"text": "Let me look.", "tools": [{"name": "echo", "input": {"text": "x"}}], "usage": dear}
    async with core_with(tmp_path, tools, budgets=limits) as core:
        message_id = await text(core, "@@" + json.dumps({"steps": [first, {"text": "never"}]}))

        async def ended() -> bool:
            return (await result(core, message_id)).turn.state is TurnState.FAILED

        await until(ended, "the turn ends")
        found = await result(core, message_id)
        assert found.why.startswith("Budget exceeded: message")
        assert found.answer == "Let me look."
        assert len(tools.calls) == 1


async def test_a_stop_of_the_daemon_puts_an_answer_back_whose_tools_only_read(tmp_path: Path) -> None:
    began = asyncio.Event()

    async def hang(given: Any) -> str:
        began.set()
        await asyncio.Event().wait()
        return ""

    for reads, state in ((True, TurnState.PENDING), (False, TurnState.INTERRUPTED)):
        began.clear()
        folder = tmp_path / state
        folder.mkdir()
        async with core_with(folder, FunctionTools(reads=reads, hang=hang)) as core:
            message_id = await text(core, "call hang {}")
            if not reads:
                await until(lambda: open_one(core), "the question is asked")
                question = await open_one(core)
                assert question is not None
                await say(core, f"YES {question.code}")
            await asyncio.wait_for(began.wait(), scaled(10))
            await core.drain(0.01)
            assert (await result(core, message_id)).turn.state is state
