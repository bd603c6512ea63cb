"""Messages of people while a turn runs: the mode that a prefix chooses, and what their sender is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config import ProjectConfig, Queue
from supervisor.operations.work_request import WorkRequest
from supervisor.people.identity import Caller
from supervisor.protocol.messages import Receipt, UserId
from supervisor.protocol.queue import FOR_PROJECT, Mode, told
from supervisor.protocol.status import Permissions, TurnState
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import ALICE_MAIL, Core
from tests.supervisor.helpers import result, scripted, state, text_message, told_texts
from tests.waiting import until


def core_with(folder: Path, mode: str = "followup") -> Core:
    return Core(folder, connector=ScriptedConnector(), queue=Queue(mode=mode))  # type: ignore[arg-type]


async def text(core: Core, body: str) -> Receipt:
    return await core.intake.accept(text_message(f"claude: {body}"))


async def is_over(core: Core, receipt: Receipt) -> bool:
    return (await state(core, receipt)).final


async def test_the_sender_of_a_queued_message_is_told_its_position_and_others_are_told_nothing(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await text(core, "hold on")
        await until(scripted(core).held, "it runs")
        assert await told_texts(core) == []
        await text(core, "second")
        last = await text(core, "third")
        assert await told_texts(core) == [
            "Queued: your message is next in the queue.",
            "Queued: your message is number 2 in the queue.",
        ]
        scripted(core).release()
        await until(lambda: is_over(core, last), "all are answered")
        assert [text for _, text in scripted(core).prompts] == ["hold on", "second", "third"]


@pytest.mark.parametrize("mode", ["followup", "collect", "steer"])
async def test_the_sender_of_several_queued_mails_is_told_once(tmp_path: Path, mode: str) -> None:
    async with core_with(tmp_path, mode) as core:

        async def mail(body: str, thread: str = "<t@x>") -> Receipt:
            message = text_message(f"claude: {body}", phone=ALICE_MAIL, channel="mail", thread=thread)
            return await core.intake.accept(message)

        await mail("hold on")
        await until(scripted(core).held, "it runs")
        for body in ("second", "third", "fourth"):
            last = await mail(body)
        assert [word for word in await told_texts(core, "mail") if "queue" in word] == [told(Mode(mode), 1)]
        scripted(core).release()
        await until(lambda: is_over(core, last), "all are answered")
        await told_texts(core, "mail")
        await mail("hold it")
        await until(scripted(core).held, "the next one runs")
        await mail("again")
        assert await told_texts(core, "mail") == [told(Mode(mode), 1)], "who waits anew is told anew"
        scripted(core).release()
        await until(core.all_answered, "all are answered")


async def test_the_sender_of_a_queued_mail_is_told_its_position_by_mail(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        for body in ("hold on", "second", "interrupt: third"):
            await core.intake.accept(text_message(f"claude: {body}", phone=ALICE_MAIL, channel="mail", thread="<t@x>"))
            await until(scripted(core).prompts.copy, "the first runs")
        await until(core.all_answered, "all are answered")
        assert await told_texts(core) == []
        queued, stopping, *answers = await told_texts(core, "mail")
        assert queued == "Queued: your message is next in the queue."
        assert stopping == "Stopping the running turn; your message is number 2 in the queue."
        first, *others = (answer.partition("\n")[0] for answer in answers)
        assert first.startswith("Stopped.")
        assert others == ["second", "third"]


@pytest.mark.parametrize(
    ("mode", "written"),
    [
        ("followup", "claude: interrupt: third"),
        ("followup", "interrupt: claude: third"),
        ("interrupt", "claude: third"),
    ],
)
async def test_an_interrupt_stops_the_running_turn_and_keeps_the_order_of_the_queue(
    mode: str, written: str, tmp_path: Path
) -> None:
    async with core_with(tmp_path, mode) as core:
        first = await text(core, "hold on")
        await until(scripted(core).held, "it runs")
        await text(core, "queue: second")
        assert scripted(core).interrupts == 0
        last = await core.intake.accept(text_message(written))
        await until(lambda: is_over(core, last), "all are answered")
        assert await state(core, first) is TurnState.CANCELLED
        assert (await result(core, last.message_id)).answer == "third"
        assert [text for _, text in scripted(core).prompts] == ["hold on", "second", "third"]
        told_now = await told_texts(core)
        assert "Stopping the running turn; your message is number 2 in the queue." in told_now
        assert any(told_text.startswith("Stopped.") for told_text in told_now)


@pytest.mark.parametrize(
    ("mode", "written"),
    [("followup", "claude: interrupt: now"), ("followup", "interrupt: claude: now"), ("interrupt", "claude: now")],
)
async def test_with_an_empty_queue_the_interrupting_message_runs_next(mode: str, written: str, tmp_path: Path) -> None:
    async with core_with(tmp_path, mode) as core:
        first = await text(core, "hold on")
        await until(scripted(core).held, "it runs")
        last = await core.intake.accept(text_message(written))
        await until(core.all_answered, "both are answered")
        assert (await state(core, first), await state(core, last)) == (TurnState.CANCELLED, TurnState.COMPLETED)
        assert (await result(core, first.message_id)).turn.session_id == (
            await result(core, last.message_id)
        ).turn.session_id
        assert [text for _, text in scripted(core).prompts] == ["hold on", "now"]
        assert "Stopping the running turn; your message is next in the queue." in await told_texts(core)


async def test_an_interrupt_while_a_process_starts_stops_the_turn_that_it_starts_for(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        scripted(core).gate.clear()
        first = await text(core, "hold on")
        await until(lambda: scripted(core).opening, "its process starts")
        last = await text(core, "interrupt: now")
        assert await told_texts(core) == ["Stopping the running turn; your message is next in the queue."]
        scripted(core).gate.set()
        await until(core.all_answered, "both are answered")
        assert (await state(core, first), await state(core, last)) == (TurnState.CANCELLED, TurnState.COMPLETED)
        assert [text for _, text in scripted(core).prompts] == ["now"]
        assert await told_texts(core) == ["Stopped.", "now"]


async def test_an_interrupt_that_finds_no_running_turn_is_told_as_queued(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        other = text_message("claude: hold on", phone=ALICE_MAIL, channel="mail", thread="<t@x>")
        await core.intake.accept(other)
        await until(scripted(core).held, "another conversation of the project has a turn that runs")
        first = await text(core, "first")
        lane = (await result(core, first.message_id)).turn.lane
        await until(lambda: not core.turns.is_busy(lane), "it has found the project busy")
        last = await text(core, "interrupt: now")
        assert (await told_texts(core))[-1] == f"Queued: your message is number 2 in the queue. {FOR_PROJECT}"
        assert scripted(core).interrupts == 0
        scripted(core).release()
        await until(core.all_answered, "all are answered")
        assert [await state(core, one) for one in (first, last)] == [TurnState.COMPLETED] * 2
        assert [text for _, text in scripted(core).prompts] == ["hold on", "first", "now"]


@pytest.mark.parametrize(("mode", "interrupts"), [("followup", 0), ("interrupt", 1)])
async def test_a_routed_message_of_a_service_interrupts_by_configuration_and_not_by_a_prefix(
    mode: str, interrupts: int, tmp_path: Path
) -> None:
    async with core_with(tmp_path, mode) as core:
        caller = Caller(name="alice", user_id=UserId("alice"))
        alice = core.directory.user("alice")
        asked = WorkRequest(caller=caller, channel="http")
        core.operations.messages.start(await core.operations.messages.route(asked, alice, "claude: hold on"))
        await until(scripted(core).held, "the first runs")
        core.operations.messages.start(await core.operations.messages.route(asked, alice, "claude: interrupt: now"))
        assert scripted(core).interrupts == interrupts
        scripted(core).release()
        await until(core.all_answered, "both are answered")
        assert [text for _, text in scripted(core).prompts] == ["hold on", "interrupt: now"]
        assert await told_texts(core) == []


async def test_with_nothing_running_the_prefix_is_stripped(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        receipt = await text(core, "interrupt: hello")
        await until(lambda: is_over(core, receipt), "it is answered")
        assert [text for _, text in scripted(core).prompts] == ["hello"]
        assert scripted(core).interrupts == 0


BOBS_PHONE = "+15550101"


@pytest.mark.parametrize("begun", [True, False])
async def test_a_turn_that_another_user_stops_says_who_stopped_it(tmp_path: Path, begun: bool) -> None:
    (tmp_path / "team").mkdir()
    team = ProjectConfig(path=str(tmp_path / "team"), users=("alice", "bob"), permissions=Permissions.EDIT, shared=True)
    async with Core(tmp_path, connector=ScriptedConnector(), projects={"team": team}) as core:
        await core.accounts.put_user("bob", name="Bob", role="COORDINATOR", phones=[BOBS_PHONE])
        if not begun:
            scripted(core).gate.clear()
        first = await core.intake.accept(text_message("@team hold on"))
        await until(lambda: scripted(core).held() if begun else scripted(core).opening, "it runs, or is about to")
        await core.intake.accept(text_message("@team interrupt: now", phone=BOBS_PHONE))
        scripted(core).gate.set()
        await until(core.all_answered, "both are answered")
        assert await state(core, first) is TurnState.CANCELLED
        assert any(text.startswith("Stopped by bob.") for text in await told_texts(core))


async def test_a_caller_that_stops_anothers_turn_is_named_to_its_sender(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await text(core, "hold on")
        await until(scripted(core).held, "it runs")
        (running,) = core.turns.running_turns()
        assert running.turn.session_id is not None
        await core.operations.sessions.interrupt(Caller(name="ops", user_id=None), running.turn.session_id)
        await until(core.all_answered, "it has ended")
        assert (await told_texts(core))[-1].startswith("Stopped by ops.")


async def test_the_queue_lists_the_position_that_the_text_says(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await core.intake.accept(text_message("claude: hold on", phone=ALICE_MAIL, channel="mail", thread="<t@x>"))
        await until(scripted(core).held, "another conversation of the project has a turn that runs")
        for body in ("second", "third", "fourth"):
            await text(core, body)
        told = await told_texts(core)
        caller = Caller(name="ops", user_id=None)
        turns = await core.queue.list(caller, None, limit=9)
        assert await core.queue.positions(turns) == [1, 2, 3]
        # Whether the project is busy is known once the lane has looked at it.
        assert [one.removesuffix(f" {FOR_PROJECT}").rpartition("is ")[2] for one in told] == [
            "next in the queue.",
            "number 2 in the queue.",
            "number 3 in the queue.",
        ]
        scripted(core).release()


async def test_the_position_in_a_shared_session_counts_the_messages_of_others(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    team = ProjectConfig(path=str(tmp_path / "team"), users=("alice", "bob"), permissions=Permissions.EDIT, shared=True)
    async with Core(tmp_path, connector=ScriptedConnector(), projects={"team": team}) as core:
        await core.accounts.put_user("bob", name="Bob", role="COORDINATOR", phones=[BOBS_PHONE])
        await core.intake.accept(text_message("@team hold on"))
        await until(scripted(core).held, "it runs")
        await core.intake.accept(text_message("@team second"))
        await core.intake.accept(text_message("@team third", phone=BOBS_PHONE))
        bob = Caller(name="bob", user_id=UserId("bob"))
        (his,) = await core.queue.list(bob, None, limit=9)
        assert await core.queue.positions([his]) == [2]
        assert "Queued: your message is number 2 in the queue." in await told_texts(core)
        scripted(core).release()
