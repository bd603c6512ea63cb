"""Prompts of services and terminals: the mode that they name, the position in the queue, and who is told."""

from __future__ import annotations

from pathlib import Path

from supervisor.config import Queue
from supervisor.intake.submission import Taken
from supervisor.protocol.events import AnyEvent, ClaudeCodeQueued
from supervisor.protocol.messages import SessionId
from supervisor.protocol.queue import Mode
from supervisor.protocol.status import TurnState
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import asked, connect, result, scripted, send, state
from tests.supervisor.turns.test_steering import SteeringConnector, conversation
from tests.waiting import until


async def prompt(core: Core, text: str, mode: Mode | None = None, external_id: str | None = None) -> Taken:
    taken = await core.operations.messages.send(asked(core, external_id=external_id), SessionId("s1"), text, None, mode)
    core.operations.messages.start(taken)
    return taken


def hearing(core: Core) -> list[AnyEvent]:
    heard: list[AnyEvent] = []
    core.hub.subscribe("session:s1", heard.append)
    return heard


def positions(heard: list[AnyEvent]) -> list[tuple[str | None, str, int]]:
    return [(one.external_id, one.mode, one.ahead) for one in heard if isinstance(one, ClaudeCodeQueued)]


async def over(core: Core, *taken: Taken) -> None:
    async def ended() -> bool:
        return all([(await state(core, one)).final for one in taken])

    await until(ended, "all have ended")


async def test_subscribers_learn_the_position_of_a_queued_message_and_nothing_of_one_that_starts_at_once(
    tmp_path: Path,
) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        heard = hearing(core)
        first = await prompt(core, "hold on", external_id="x1")
        await until(scripted(core).held, "it runs")
        second, third = await prompt(core, "two", external_id="x2"), await prompt(core, "three", external_id="x3")
        await prompt(core, "two", external_id="x2")
        assert positions(heard) == [("x2", "followup", 1), ("x3", "followup", 2)]
        scripted(core).release()
        await over(core, first, second, third)


async def test_a_prompt_in_mode_interrupt_stops_the_running_turn(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        heard = hearing(core)
        first = await prompt(core, "hold on")
        await until(scripted(core).held, "it runs")
        second = await prompt(core, "now", Mode.INTERRUPT)
        await over(core, first, second)
        assert await state(core, first) is TurnState.CANCELLED
        assert (await result(core, second.accepted.message_id)).answer == "now"
        assert positions(heard) == [(None, "interrupt", 1)]


async def test_a_prompt_has_the_configured_mode_unless_it_names_one(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector(), queue=Queue(mode="interrupt")) as core:
        await connect(core)
        first = await send(core, "hold on")
        await until(scripted(core).held, "it runs")
        second = await prompt(core, "later", Mode.FOLLOWUP)
        assert scripted(core).interrupts == 0
        third = await send(core, "now")
        await over(core, first, second, third)
        assert await state(core, first) is TurnState.CANCELLED
        assert scripted(core).interrupts == 1


async def test_a_prompt_of_a_service_shares_its_answer_only_if_it_chooses_that(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=SteeringConnector(), queue=Queue(mode="steer")) as core:
        await connect(core)
        heard = hearing(core)
        first = await prompt(core, "hold on")
        await until(lambda: conversation(core).held, "it runs")
        apart = await prompt(core, "apart")
        assert conversation(core).taken == []
        await core.queue.cancel(asked(core).caller, apart.accepted.message_id)
        joined = await prompt(core, "with it", Mode.STEER)
        assert [one.text for one in conversation(core).taken] == ["with it"]
        assert positions(heard) == [(None, "followup", 1), (None, "steer", 0)]
        await conversation(core).end("both")
        await over(core, first, apart, joined)
