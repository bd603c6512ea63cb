"""One turn from its prompt to its end: a connector that fails, breaks or is silent ends the turn, not the lane."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from supervisor.cluster.files import Files
from supervisor.protocol.errors import TurnFailed
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import EndReason, TurnState
from supervisor.store.records.turn import Turn
from tests.fakes import ScriptedConnector
from tests.slowness import scaled
from tests.supervisor.harness import OPERATOR, Core
from tests.supervisor.helpers import (
    ask,
    asked,
    connect,
    result,
    scripted,
    send,
)
from tests.supervisor.turns.hours import SECONDS, let_hours_pass, looked_at_the_time
from tests.waiting import until


async def test_interrupting_ends_the_turn_and_keeps_what_was_written(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        taken = await core.operations.messages.send(asked(core), SessionId("s1"), "hold", None)
        answer = asyncio.create_task(core.operations.messages.answer(taken))
        await until(scripted(core).held, "it is held")
        await until(lambda: _written(core), "something is written")
        interrupted = await core.operations.sessions.interrupt(asked(core).caller, SessionId("s1"))
        assert (interrupted.message_id, interrupted.partial) == (taken.accepted.message_id, True)
        with pytest.raises(TurnFailed, match="interrupted"):
            await answer
        stored = await result(core, taken.accepted.message_id)
        assert (stored.turn.state, stored.answer, stored.stop_reason) == (
            TurnState.CANCELLED,
            "so far",
            "interrupted",
        )
        assert (await ask(core, "hello")).answer == "hello"


def _written(core: Core) -> bool:
    running = core.turns.running("s1")
    return running is not None and running.text == ["so far"]


async def test_the_prompt_is_committed_as_running_before_it_is_written(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        taken = await send(core, "hold")
        await until(scripted(core).held, "the prompt is written")
        stored = await result(core, taken.accepted.message_id)
        assert stored.turn.state is TurnState.RUNNING
        assert stored.turn.identity == scripted(core).of("s1").identity
        scripted(core).release()


async def test_a_prompt_that_was_not_written_is_an_error(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        with pytest.raises(TurnFailed, match="the pipe is closed"):
            await ask(core, "refuse the pipe is closed")


async def test_a_connector_that_breaks_its_contract_is_an_error_to_whoever_waits(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        with pytest.raises(TurnFailed, match="internal error"):
            await asyncio.wait_for(ask(core, "break"), scaled(8))
        assert (await ask(core, "hello")).answer == "hello"


async def test_a_turn_without_an_end_is_ended_by_the_core(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        with pytest.raises(TurnFailed, match="no answer within") as failed:
            await _ask_for_hours(core)
        assert failed.value.timed_out
        assert scripted(core).open_now() == []
        assert (await ask(core, "hello")).answer == "hello"


async def test_the_time_for_which_the_processes_are_stopped_is_not_that_of_the_turn(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        processes = core.sessions._processes
        await processes.freeze()  # as in an outage of the database
        answer = asyncio.create_task(ask(core, "hold"))
        await until(scripted(core).held, "it is held")
        (running,) = core.turns.running_turns()
        let_hours_pass(running)
        assert processes._frozen_since is not None
        processes._frozen_since -= SECONDS
        await looked_at_the_time(running)
        await processes.thaw()
        await processes.freeze()
        await processes.thaw()
        await looked_at_the_time(running)
        scripted(core).release()
        assert (await answer).answer == "released"
        with pytest.raises(TurnFailed, match="no answer within"):
            await _ask_for_hours(core)


async def _ask_for_hours(core: Core) -> None:
    """Ask what nobody answers, until the time of the turn is up."""
    answer = asyncio.create_task(ask(core, "deaf"))
    await until(scripted(core).held, "it is held")
    (running,) = core.turns.running_turns()
    let_hours_pass(running)
    await looked_at_the_time(running)
    await asyncio.wait_for(answer, scaled(8))


async def test_an_interrupt_while_the_process_starts_ends_the_turn_as_it_begins(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        await core.sessions.close(SessionId("s1"), EndReason.IDLE)
        scripted(core).gate.clear()
        taken = await send(core, "hold")
        await until(lambda: scripted(core).opening == 1, "its process starts")
        caller = core.directory.caller(OPERATOR)
        interrupting = asyncio.create_task(core.operations.sessions.interrupt(caller, SessionId("s1")))
        await asyncio.sleep(0)  # it waits for the turn now
        assert not interrupting.done()
        scripted(core).gate.set()
        interrupted = await interrupting
        assert interrupted.message_id == taken.accepted.message_id
        assert interrupted.partial is False
        assert (await ask(core, "hello")).answer == "hello"
        assert (await result(core, taken.accepted.message_id)).turn.state is TurnState.CANCELLED
        assert scripted(core).texts("s1") == ["hello"]


async def test_an_interrupt_while_the_files_are_brought_ends_the_turn_before_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bringing, brought = asyncio.Event(), asyncio.Event()

    async def slow(_: Files, turn: Turn) -> Turn:
        bringing.set()
        await brought.wait()
        return turn

    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        monkeypatch.setattr(Files, "brought", slow)  # as from another node
        taken = await core.operations.messages.send(asked(core), SessionId("s1"), "hello", None)
        answer = asyncio.create_task(core.operations.messages.answer(taken))
        await bringing.wait()
        assert await core.turns.interrupt("s1") is not None
        brought.set()
        with pytest.raises(TurnFailed, match="interrupted"):
            await answer
        assert (await result(core, taken.accepted.message_id)).turn.state is TurnState.CANCELLED
        assert scripted(core).prompts == []
        assert (await ask(core, "next")).answer == "next"
