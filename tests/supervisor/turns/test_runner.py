"""Turns that follow each other in one process, each for itself; and turns that wait before they begin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from supervisor.config import Queue
from supervisor.protocol.conversation import TextDelta, ToolCall, Trace, TraceKind
from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import MessageId, SessionId
from supervisor.protocol.status import TurnState
from supervisor.turns.running.turn import NOT_BEGUN
from tests.fakes import ScriptedConnector
from tests.slowness import scaled
from tests.supervisor.harness import Core
from tests.supervisor.helpers import Gate, result, state, text_message
from tests.supervisor.turns.test_steering import SteeringConnector, conversation, ended, held, text
from tests.waiting import until

Refuse = Callable[[Core, str], None]

WAITS = "waits for the database"


async def test_no_call_of_the_turn_that_follows_is_decided_before_it_has_begun(tmp_path: Path) -> None:
    gate = Gate("finish.before_commit")
    async with Core(tmp_path, connector=SteeringConnector(), queue=Queue(mode="steer"), crash=gate) as core:
        first = await text(core, "hold the door")
        await held(core)
        second = await text(core, "apart hold the window")
        session_id = (await result(core, first)).turn.session_id
        live = core.sessions.live(SessionId(str(session_id)))
        assert live is not None
        assert (
            await live.decisions.decide(ToolCall(tool_use_id="s", name="Write", input={"file_path": "old"}))
        ).allowed
        await conversation(core).end()  # the second begins in the process while the first is still being written down
        await until(gate.reached.is_set, "the end of the first is being written")
        call = ToolCall(tool_use_id="t", name="Write", input={"file_path": "new"})
        decided = asyncio.create_task(live.decisions.decide(call))
        conversation(core).put(TextDelta(text="!"))
        assert not (await result(core, first)).turn.state.final
        assert core.turns.running(str(session_id)) is None, "nothing has taken its place"
        assert not decided.done()
        gate.open()
        await ended(core, first)
        assert (await decided).allowed
        assert await tools(core, second) == ["Write new"], "it is recorded with the turn that it belongs to"
        assert await tools(core, first) == ["Write old"]
        conversation(core).release("held")
        assert (await ended(core, second)).answer == "held"


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Let the database refuse what a turn needs before it begins: its reservation, and the history of a thread."""

    async def refusing(*args: Any, **more: Any) -> Any:
        raise StorageError("the server does not answer")

    def refuse(core: Core, method: str) -> None:
        monkeypatch.setattr(core.spending if method == "reserve" else core.store.turns, method, refusing)

    return refuse


BEFORE = [("claude: hello", "reserve"), ("assistant: hello", "reserve"), ("assistant: hello", "exchanges")]
"""Messages, and what their turns need before they begin."""


@pytest.mark.parametrize(("words", "method"), BEFORE)
async def test_a_turn_that_waits_for_the_database_does_not_hold_up_a_stop_and_runs_after_it(
    tmp_path: Path, words: str, method: str, refused: Refuse, caplog: pytest.LogCaptureFixture
) -> None:
    async with Core(tmp_path) as core:
        refused(core, method)
        receipt = await core.intake.accept(text_message(words))
        await until(lambda: WAITS in caplog.text, "it waits")
        await asyncio.wait_for(core.drain(0.0), scaled(8))
        assert await state(core, receipt) is TurnState.RUNNING
    connector = ScriptedConnector()
    connector.traces[receipt.message_id or MessageId("")] = Trace(kind=TraceKind.ABSENT)
    async with Core(tmp_path, connector=connector) as core:
        await until(core.all_answered, "it runs")
        assert await state(core, receipt) is TurnState.COMPLETED


@pytest.mark.parametrize(("words", "method"), BEFORE)
async def test_a_turn_that_waits_for_the_database_can_be_stopped(
    tmp_path: Path, words: str, method: str, refused: Refuse, caplog: pytest.LogCaptureFixture
) -> None:
    async with Core(tmp_path) as core:
        refused(core, method)
        receipt = await core.intake.accept(text_message(words))
        await until(lambda: WAITS in caplog.text, "it waits")
        lane = (await result(core, receipt.message_id)).turn.lane
        stopped = await asyncio.wait_for(core.turns.interrupt_next(lane, "alice"), scaled(20))
        assert stopped is not None
        assert stopped.turn.message_id == receipt.message_id
        await until(core.all_answered, "it has ended")
        found = await result(core, receipt.message_id)
        assert (found.turn.state, found.why) == (TurnState.CANCELLED, NOT_BEGUN)
        assert not core.turns.is_busy(lane)


async def tools(core: Core, message_id: MessageId) -> list[str]:
    """Return the recorded tool calls of a message's turn."""
    return list((await core.completion.tools_of((await result(core, message_id)).turn)).values())
