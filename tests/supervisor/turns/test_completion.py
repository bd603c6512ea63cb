"""The completion of turns: the outcome is stored, and whoever waits is told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from supervisor.protocol.conversation import Failed, Tokens, ToolStarted, UsageReported
from supervisor.protocol.errors import StorageError, TurnFailed
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import TurnState
from supervisor.undo.checkpoints.records import Checkpoint
from supervisor.undo.checkpoints.shadow import ShadowRepository
from tests.fakes import ScriptedConnector
from tests.slowness import scaled
from tests.supervisor.harness import Core
from tests.supervisor.helpers import (
    ask,
    asked,
    connect,
    full_disk,
    result,
    scripted,
    state,
    text_message,
)
from tests.waiting import until


async def _is(core: Core, message_id: object, wanted: TurnState) -> bool:
    return (await result(core, message_id)).turn.state is wanted  # type: ignore[arg-type]


async def test_a_reply_is_written_with_the_outcome_and_its_channel_is_told(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        receipt = await core.intake.accept(text_message("claude: hello"))
        await until(lambda: _is(core, receipt.message_id, TurnState.COMPLETED), "it is answered")
        (reply,) = await core.store.outbox.due("sms", now_ms=2**60, limit=5)
        assert (reply.text, reply.message_id) == ("hello", receipt.message_id)


async def test_an_answer_without_text_is_told_as_such(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        receipt = await core.intake.accept(text_message("claude: hold"))
        await until(scripted(core).held, "it is held")
        scripted(core).release("")
        await until(lambda: _is(core, receipt.message_id, TurnState.COMPLETED), "it is answered")
        (reply,) = await core.store.outbox.due("sms", now_ms=2**60, limit=5)
        assert reply.text == "Claude Code finished without a text."


async def test_an_outcome_that_the_disk_refuses_is_told_and_stored_once_space_returns(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        taken = await core.operations.messages.send(asked(core), SessionId("s1"), "hold", None)
        answer = asyncio.create_task(core.operations.messages.answer(taken))
        await until(scripted(core).held, "it is held")
        async with full_disk(core):
            scripted(core).release("x" * 100_000)
            with pytest.raises(StorageError):
                await asyncio.wait_for(answer, scaled(8))
            assert await state(core, taken) is TurnState.RUNNING
        await until(lambda: _is(core, taken.accepted.message_id, TurnState.COMPLETED), "its outcome is stored")
        assert (await result(core, taken.accepted.message_id)).answer == "x" * 100_000
        assert await core.store.ledger.disagreements() == []


async def test_half_a_surrogate_pair_in_an_answer_or_a_tool_call_ends_the_turn_as_any_other(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        waiting = asyncio.create_task(ask(core, "hold"))
        await until(scripted(core).held, "it is held")
        (conversation,) = scripted(core).held()
        conversation.put(ToolStarted(tool_use_id="u1", name="Bash", input={"command": "echo \ud83d"}))
        conversation.release("half \ud83d")
        ended = await waiting
        assert ended.answer == "half \ufffd"
        assert await core.completion.tools_of(ended.turn) == {"u1": "Bash echo \\ud83d"}


async def test_a_remedy_reaches_whoever_waits(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        waiting = asyncio.create_task(ask(core, "hold"))
        await until(scripted(core).held, "it is held")
        (conversation,) = scripted(core).held()
        conversation.put(Failed(message_id=conversation.held, why="too much", remedy="ask for less"))
        with pytest.raises(TurnFailed, match=r"^Claude Code failed: too much$") as caught:
            await waiting
        assert (caught.value.code, caught.value.remedy) == ("turn_failed", "ask for less")


async def test_an_outcome_that_cannot_be_written_fails_its_turn_and_blocks_nobody(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        waiting = asyncio.create_task(ask(core, "hold"))
        await until(scripted(core).held, "it is held")
        (conversation,) = scripted(core).held()
        conversation.put(UsageReported(model="\ud83d", tokens=Tokens(), provider_nanos=1, authoritative=True))
        conversation.release()
        with pytest.raises(TurnFailed, match="an internal error"):
            await waiting
        assert (await ask(core, "again")).answer == "again"


class NoThreads(ShadowRepository):
    """The repository of a machine that has no thread left."""

    async def record(self, message: str) -> Checkpoint:
        raise RuntimeError("can't start new thread")


async def test_a_folder_whose_recording_breaks_keeps_no_turn_from_its_end(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        waiting = asyncio.create_task(ask(core, "write a.txt hold"))
        await until(scripted(core).held, "it has changed a file")
        core.recorder._shadows[str(core.site)] = NoThreads(core.site, tmp_path / "none.git")
        scripted(core).release("written")
        done = await asyncio.wait_for(waiting, scaled(8))
        assert done.answer.startswith("written\n\n(What this turn changed cannot be undone: an internal error")
        found = await core.store.changes.of_turn(done.turn.id)
        assert found is not None
        assert found.why == "an internal error; the details are in the log"
        assert not core.recorder.changing(str(core.site))
        assert (await ask(core, "next")).answer == "next"
