"""Messages that share an answer: steered into a running turn, or gathered into one prompt."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from supervisor.cluster.files import Files
from supervisor.config import Queue
from supervisor.protocol.conversation import Exchange, Failed, Finished, Prompt, SessionSpec, Trace, TraceKind
from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import MessageId, Receipt, SessionId
from supervisor.protocol.ports.connector import Conversation
from supervisor.protocol.status import Target, TurnState
from supervisor.store.records.result import Result
from supervisor.store.records.turn import Turn
from tests.fakes import ScriptedConnector, ScriptedConversation
from tests.supervisor.harness import ALICE_MAIL, Core
from tests.supervisor.helpers import Gate, asked, result, scripted, text_message, told_texts
from tests.waiting import until

INCLUDED = "(It is answered together with the message before it.)"
JOINED = "Your message went into the running turn; one answer covers both."


class SteeringConversation(ScriptedConversation):
    """Takes prompts while one is held: `apart X` runs after the held one, any other ends with it."""

    def __init__(self, connector: ScriptedConnector, spec: SessionSpec, number: int) -> None:
        super().__init__(connector, spec, number)
        self.taken: list[Prompt] = []

    async def prompt(self, prompt: Prompt) -> None:
        if self.held is None:
            await super().prompt(prompt)
            return
        if prompt.text.startswith(("refuse", "break")):
            await super().prompt(prompt)
        self.taken.append(prompt)

    async def end(self, text: str = "released") -> None:
        """End the held prompt, and those that were taken into it."""
        self.release(text)
        taken, self.taken = self.taken, []
        for prompt in taken:
            if not prompt.text.startswith("apart"):
                self.put(Finished(message_id=prompt.message_id, text=text))
        for prompt in taken:
            if prompt.text.startswith("apart"):
                word = prompt.text.removeprefix("apart ")
                await ScriptedConversation.prompt(self, Prompt(message_id=prompt.message_id, text=word))

    async def interrupt(self) -> None:
        await super().interrupt()
        for prompt in self.taken:
            self.put(Failed(message_id=prompt.message_id, why="interrupted", interrupted=True))
        self.taken = []


class SteeringConnector(ScriptedConnector):
    """Takes prompts into a running turn."""

    steers = True

    async def open(self, session: SessionSpec, history: Sequence[Exchange]) -> Conversation:
        conversation = SteeringConversation(self, session, len(self.opened))
        self.opened.append(conversation)
        return conversation


def conversation(core: Core) -> SteeringConversation:
    assert isinstance(core.connector, SteeringConnector)
    found = core.connector.opened[-1]
    assert isinstance(found, SteeringConversation)
    return found


async def text(core: Core, body: str) -> MessageId:
    receipt: Receipt = await core.intake.accept(text_message(f"claude: {body}"))
    assert receipt.message_id is not None
    return receipt.message_id


async def ended(core: Core, message_id: MessageId) -> Result:
    async def final() -> bool:
        return (await result(core, message_id)).turn.state.final

    await until(final, f"{message_id} has ended")
    return await result(core, message_id)


async def held(core: Core) -> None:
    assert isinstance(core.connector, ScriptedConnector)
    await until(core.connector.held, "the first turn is held")


def steering(folder: Path, mode: str = "steer", *, recovering: bool = True) -> Core:
    queue = Queue(mode=mode)  # type: ignore[arg-type]
    return Core(folder, connector=SteeringConnector(), queue=queue, recovering=recovering)


async def test_a_message_goes_into_the_running_turn_and_one_answer_covers_both(tmp_path: Path) -> None:
    async with steering(tmp_path) as core:
        first = await text(core, "hold the door")
        await held(core)
        second = await text(core, "and the window")
        assert [prompt.text for prompt in conversation(core).taken] == ["and the window"]
        assert (await result(core, second)).turn.state is TurnState.WAITING
        await conversation(core).end("both are held")
        assert (await ended(core, first)).answer == "both are held"
        assert (await ended(core, second)).answer == INCLUDED
        assert [one.partition("\n")[0] for one in await told_texts(core)] == [JOINED, "both are held"]
        assert await core.all_answered()
        assert core.turns.queued == 0
        third = await text(core, "next")  # the lane goes on
        assert (await ended(core, third)).answer == "next"


async def test_a_steered_message_that_was_not_taken_in_runs_next(tmp_path: Path) -> None:
    async with steering(tmp_path) as core:
        first = await text(core, "hold the door")
        await held(core)
        taken, apart = await text(core, "one"), await text(core, "apart two")
        third = await text(core, "queue: three")
        await conversation(core).end()
        answers = [(await ended(core, one)).answer for one in (first, taken, apart, third)]
        assert answers == ["released", INCLUDED, "two", "three"]
        assert [one.partition("\n")[0] for one in await told_texts(core)] == [
            JOINED,
            JOINED,
            "Queued: your message is next in the queue.",
            "released",
            "two",
            "three",
        ]


async def test_a_steered_message_does_not_overtake_a_waiting_one(tmp_path: Path) -> None:
    async with steering(tmp_path) as core:
        await text(core, "hold the door")
        await held(core)
        waits = await text(core, "queue: first in line")
        behind = await text(core, "steer: me in")
        assert conversation(core).taken == []
        assert (await told_texts(core))[-1] == "Queued: your message is number 2 in the queue."
        await conversation(core).end()
        assert [(await ended(core, one)).answer for one in (waits, behind)] == ["first in line", "me in"]


async def test_a_message_about_the_running_turn_needs_no_address(tmp_path: Path) -> None:
    async with steering(tmp_path) as core:
        first = await text(core, "hold the door")
        await held(core)
        steered, interrupting = [
            await core.intake.accept(text_message(body)) for body in ("steer: and the window", "interrupt: rest")
        ]
        assert steered.message_id is not None
        assert interrupting.message_id is not None
        session_id = (await result(core, first)).turn.session_id
        for message_id, state in (
            (first, TurnState.CANCELLED),
            (steered.message_id, TurnState.CANCELLED),
            (interrupting.message_id, TurnState.COMPLETED),
        ):
            told = await ended(core, message_id)
            assert (told.turn.session_id, told.turn.state) == (session_id, state)


async def test_a_message_about_a_turn_that_waits_waits_behind_it(tmp_path: Path) -> None:
    async with steering(tmp_path) as core:
        core.turns.stopping = True  # no turn starts
        first = await text(core, "hold the door")
        receipt = await core.intake.accept(text_message("steer: and the window"))
        assert receipt.message_id is not None
        (one, other) = [(await result(core, each)).turn for each in (first, receipt.message_id)]
        assert (other.target, other.session_id) == (Target.CLAUDE_CODE, one.session_id)


async def test_an_ordinary_message_while_a_turn_runs_goes_where_its_words_send_it(tmp_path: Path) -> None:
    async with steering(tmp_path) as core:
        await text(core, "hold the door")
        await held(core)
        receipt = await core.intake.accept(text_message("how are you?"))
        assert receipt.message_id is not None
        assert (await result(core, receipt.message_id)).turn.target is Target.ASSISTANT
        await conversation(core).end()


async def test_an_interrupt_ends_the_steered_messages_as_well(tmp_path: Path) -> None:
    async with steering(tmp_path) as core:
        first = await text(core, "hold the door")
        await held(core)
        second = await text(core, "and the window")
        session_id = (await result(core, first)).turn.session_id
        await core.turns.interrupt(str(session_id))
        assert (await ended(core, first)).turn.state is TurnState.CANCELLED
        assert (await ended(core, second)).turn.state is TurnState.CANCELLED


async def test_a_message_whose_host_ends_while_it_is_steered_has_its_calls_held_and_charged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bringing, brought = asyncio.Event(), asyncio.Event()
    charged: list[int | None] = []

    async def slow(_: Files, turn: Turn) -> Turn:
        bringing.set()
        await brought.wait()
        return turn

    async with steering(tmp_path) as core:
        first = await text(core, "hold the door")
        await held(core)
        (running,) = core.turns.running_turns()
        monkeypatch.setattr(Files, "brought", slow)
        live = core.sessions.live(SessionId(str(running.turn.session_id)))
        assert live is not None
        monkeypatch.setattr(live.decisions, "hold", lambda: charged.append(live.meter._turn_id))
        steered = asyncio.create_task(text(core, "and the window"))
        await bringing.wait()
        await conversation(core).end()
        await until(running.ended.done, "the host has ended")
        brought.set()
        second = await steered
        assert (await ended(core, first)).answer == "released"
        assert (await ended(core, second)).answer == "and the window"
        assert charged == [running.turn.id], "once, before the host's own end took its turn from the meter"


async def test_a_message_waits_where_it_cannot_be_steered(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector(), queue=Queue(mode="steer")) as core:
        await text(core, "hold the door")
        await held(core)
        second = await text(core, "and the window")
        assert await told_texts(core) == ["Queued: your message is next in the queue."]
        assert (await result(core, second)).turn.state is TurnState.PENDING
        scripted(core).release()
        assert (await ended(core, second)).answer == "and the window"


async def test_a_prompt_that_was_not_written_runs_after_the_turn(tmp_path: Path) -> None:
    async with steering(tmp_path) as core:
        await text(core, "hold the door")
        await held(core)
        second = await text(core, "refuse to be written")
        await conversation(core).end()
        assert "to be written" in (await ended(core, second)).why


async def test_a_prompt_that_may_have_been_written_is_not_written_again_and_its_sender_is_told(tmp_path: Path) -> None:
    async with steering(tmp_path) as core:
        first = await text(core, "hold the door")
        await held(core)
        second = await text(core, "break the plug-in")
        await conversation(core).end("held")
        assert (await ended(core, first)).answer == "held"
        assert "an internal error" in (await ended(core, second)).why
        assert any("an internal error" in one for one in await told_texts(core))
        third = await text(core, "next")
        assert (await ended(core, third)).answer == "next"
        assert [prompt for _, prompt in scripted(core).prompts] == ["hold the door", "next"]


@pytest.mark.parametrize("mode", ["steer", "collect"])
async def test_a_service_gets_an_answer_of_its_own_to_each_message(tmp_path: Path, mode: str) -> None:
    async with steering(tmp_path, mode) as core:
        alice = core.directory.user("alice")
        first = await core.operations.messages.route(asked(core), alice, "claude: hold the door")
        core.operations.messages.start(first)
        await held(core)
        others = [
            await core.operations.messages.route(asked(core), alice, f"claude: {word}") for word in ("one", "two")
        ]
        for taken in others:
            core.operations.messages.start(taken)
        assert conversation(core).taken == []
        await conversation(core).end()
        assert [(await ended(core, one.accepted.message_id)).answer for one in others] == ["one", "two"]


async def test_another_channel_of_the_same_person_does_not_join(tmp_path: Path) -> None:
    """The turn would give the message the proof of identity of its own channel."""
    async with steering(tmp_path) as core:
        first = await text(core, "hold the door")
        await held(core)
        await core.intake.accept(text_message("claude: steer: run it", phone=ALICE_MAIL, channel="mail"))
        assert conversation(core).taken == []
        await conversation(core).end()
        await ended(core, first)


async def test_collected_messages_go_into_one_prompt_with_one_answer(tmp_path: Path) -> None:
    async with steering(tmp_path, "collect") as core:
        first = await text(core, "hold the door")
        await held(core)
        parts = [await text(core, word) for word in ("one", "two", "three")]
        apart = await text(core, "queue: four")
        assert isinstance(core.connector, SteeringConnector)
        await conversation(core).end()
        answers = [(await ended(core, one)).answer for one in (first, *parts, apart)]
        assert answers == ["released", "one\n\ntwo\n\nthree", INCLUDED, INCLUDED, "four"]
        assert [text for _, text in core.connector.prompts] == ["hold the door", "one\n\ntwo\n\nthree", "four"]
        told = [one.partition("\n")[0] for one in await told_texts(core)]
        assert (
            told[0]
            == "Collected: your message is next in the queue; messages that you send until then are answered with it."
        )
        assert [one for one in told if not one.startswith(("Collected", "Queued"))] == ["released", "one", "four"]
        assert core.turns.queued == 0


async def test_a_gathered_message_fails_with_its_turn(tmp_path: Path) -> None:
    async with steering(tmp_path, "collect") as core:
        await text(core, "hold the door")
        await held(core)
        host, part = await text(core, "fail badly"), await text(core, "two")
        await conversation(core).end()
        assert (await ended(core, host)).turn.state is TurnState.FAILED
        failed = await ended(core, part)
        assert (failed.turn.state, "was not completed: badly" in failed.why) == (TurnState.FAILED, True)


async def test_a_gathered_message_is_refused_with_its_turn(tmp_path: Path) -> None:
    async with steering(tmp_path, "collect") as core:
        await text(core, "hold the door")
        await held(core)
        parts = [await text(core, word) for word in ("one", "two", "three")]
        await core.accounts.remove_user("alice")
        await conversation(core).end()
        for message_id in parts:
            refused = await ended(core, message_id)
            assert (refused.turn.state, "User not found: alice" in refused.why) == (TurnState.FAILED, True)
        assert len([one for one in await told_texts(core) if "User not found" in one]) == 3


async def test_after_a_crash_no_steered_message_is_lost_or_runs_by_itself(tmp_path: Path) -> None:
    async with steering(tmp_path) as before:
        first = await text(before, "hold the door")
        await held(before)
        second = await text(before, "and the window")
        host = (await result(before, first)).turn
        await before.store.turns.record_event(host.id, "tool_allowed", {"id": "t", "summary": "Bash make"}, now_ms=1)
        async with steering(tmp_path) as after:  # as after a kill: nothing was closed
            for message_id in (first, second):
                assert (await ended(after, message_id)).turn.state is TurnState.INTERRUPTED
            told = [one for one in await told_texts(after) if "CONTINUE" in one]
            assert ["Bash make" in one for one in told] == [True, False]
            assert "the daemon was restarted while the turn that it was part of was running" in told[1]
            assert scripted(after).prompts == []


async def test_a_steered_message_whose_settlement_failed_is_settled_by_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with steering(tmp_path) as before:
        first = await text(before, "hold the door")
        await held(before)
        second = await text(before, "and the window")
        host = (await result(before, first)).turn
        await before.store.turns.record_event(host.id, "tool_allowed", {"id": "t", "summary": "Bash make"}, now_ms=1)
        async with steering(tmp_path, recovering=False) as after:
            is_stopped = after.store.turns.is_stopped
            refusals = [StorageError("away")]

            async def refuses_once(turn_id: int) -> bool:
                if turn_id != host.id and refusals:
                    raise refusals.pop()
                return await is_stopped(turn_id)

            monkeypatch.setattr(after.store.turns, "is_stopped", refuses_once)
            with pytest.raises(StorageError, match="away"):
                await after.recovery.settle()
            assert (await result(after, second)).turn.state is TurnState.RUNNING
            assert (await after.recovery.settle()).interrupted == 1
            assert "that it was part of" in (await ended(after, second)).why


async def test_after_a_crash_before_any_work_the_messages_are_gathered_again(tmp_path: Path) -> None:
    async with steering(tmp_path, "collect") as before:
        await text(before, "hold the door")
        await held(before)
        host, part = await text(before, "hold one"), await text(before, "two")
        await conversation(before).end()

        async def gathered() -> bool:
            return (await result(before, part)).turn.state is TurnState.WAITING

        await until(gathered, "the two are one turn")
        again = steering(tmp_path, "collect")
        scripted(again).traces[host] = Trace(kind=TraceKind.ABSENT)
        async with again as after:
            await held(after)
            assert scripted(after).prompts[-1][1].startswith("hold one\n\ntwo")
            await conversation(after).end("done")
            assert (await ended(after, host)).answer == "done"
            assert (await ended(after, part)).answer == INCLUDED


async def test_a_message_whose_channel_leaves_while_it_goes_into_the_turn_is_part_of_it(tmp_path: Path) -> None:
    gates: list[Gate] = []

    def crash(point: str) -> None:
        for gate in gates:
            gate(point)

    async with Core(tmp_path, connector=SteeringConnector(), queue=Queue(mode="steer"), crash=crash) as core:
        first = await text(core, "hold the door")
        await held(core)
        gates.append(gate := Gate("join.before_commit"))
        leaving = asyncio.create_task(text(core, "and the window"))
        await until(gate.reached.is_set, "it is being joined")
        leaving.cancel()
        gate.open()
        await asyncio.gather(leaving, return_exceptions=True)
        await until(lambda: conversation(core).taken, "it is sent into the turn")
        await conversation(core).end("both are held")
        assert (await ended(core, first)).answer == "both are held"
        await until(core.all_answered, "nothing is left behind")
        assert [one.partition("\n")[0] for one in await told_texts(core)] == [JOINED, "both are held"]


async def test_a_message_whose_channel_leaves_before_it_is_told_that_it_waits_runs(tmp_path: Path) -> None:
    gate = Gate("join.before_commit")
    async with Core(tmp_path, connector=SteeringConnector(), queue=Queue(mode="steer"), crash=gate) as core:
        leaving = asyncio.create_task(text(core, "hello"))  # nothing runs that it could go into
        await until(gate.reached.is_set, "its position is being asked for")
        leaving.cancel()
        gate.open()
        await asyncio.gather(leaving, return_exceptions=True)
        await until(core.all_answered, "it is answered")
        assert await told_texts(core) == ["hello"]
