"""Messages and answers of one chat, in every order of interrupts, ends, reconnections and repetitions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from supervisor.operations.chats.records import ChatEnd, ChatQueued
from supervisor.protocol import events
from supervisor.protocol.errors import RateLimited, TurnFailed
from supervisor.protocol.messages import MessageId
from supervisor.protocol.status import TurnState
from supervisor.tools.people.book import Circle
from supervisor.tools.people.people import Known, People
from supervisor.wires.chat import frames
from supervisor.wires.chat.rooms.audience import Audience
from supervisor.wires.chat.rooms.dialogue import Dialogue
from supervisor.wires.chat.rooms.log import FrameLog
from tests.supervisor.wires.chat.rooms.scripted import ALICE, SESSION, Listener, ScriptedChats, result, services
from tests.waiting import until

T = TypeVar("T")
Frame = dict[str, Any]


class Scene:
    """A dialogue with one connection, over scripted chats."""

    def __init__(self) -> None:
        self.services = services()
        assert isinstance(self.services.chats, ScriptedChats)
        self.chats = self.services.chats
        self.audience = Audience(FrameLog(1))
        self.dialogue = Dialogue(SESSION, self.services, self.audience)
        self.services.hub.subscribe(f"chat:{SESSION}", self.dialogue.on_event)
        self.listener = self.comes()

    def comes(self) -> Listener:
        """Return a new connection."""
        listener = Listener()
        self.audience.members[listener] = None
        return listener

    async def submit(self, text: str = "hi", listener: Listener | None = None, external_id: str | None = None) -> None:
        frame = frames.UserMessage(content=text, external_id=external_id)
        await self.dialogue.submit(listener or self.listener, ALICE, frame)

    async def interrupt(self, listener: Listener | None = None) -> None:
        await self.dialogue.interrupt(listener or self.listener, ALICE)

    async def told(self, *kinds: str, listener: Listener | None = None) -> list[Frame]:
        """Wait until a connection has got frames of these types, in this order and no others; return them."""
        reader = listener or self.listener
        await until(lambda: len(got(reader)) >= len(kinds), f"{kinds} after {[f['type'] for f in got(reader)]}")
        assert [frame["type"] for frame in got(reader)] == list(kinds)
        return got(reader)


def got(listener: Listener) -> list[Frame]:
    return [json.loads(frame.data) for frame in listener.got]


@pytest.fixture
async def scene() -> Scene:
    return Scene()


async def test_a_message_its_answer_and_its_end(scene: Scene) -> None:
    await scene.submit()
    scene.chats.say("m001", "Hel")
    scene.chats.say("m001", "lo")
    scene.chats.end("m001", answer="Hello")
    told = await scene.told("token", "token", "complete")
    assert told[-1]["message_ids"] == ["m001"]
    assert not scene.dialogue.running


async def test_others_learn_what_was_written_before_its_answer(scene: Scene) -> None:
    other = scene.comes()
    await scene.submit("for all", external_id="e1")
    scene.chats.say("m001", "x")
    written, _ = await scene.told("user_message", "token", listener=other)
    assert written == {
        "type": "user_message",
        "id": "m001",
        "by": "alice",
        "content": "for all",
        "external_id": "e1",
        "seq": 1,
    }
    await scene.told("token")


async def test_what_comes_by_another_way_is_told_to_all(scene: Scene) -> None:
    message_id = scene.chats.arrive("by a terminal")
    scene.chats.say(message_id, "x")
    scene.chats.end(message_id)
    written, *_ = await scene.told("user_message", "token", "complete")
    assert (written["id"], written["content"]) == ("m001", "by a terminal")


async def test_an_answer_that_nobody_announced_is_followed_too(scene: Scene) -> None:
    scene.chats.say("m777", "x")
    scene.chats.end("m777")
    await scene.told("token", "complete")


async def test_tokens_that_come_before_the_acceptance_are_held_back(scene: Scene) -> None:
    other = scene.comes()
    submitting = asyncio.create_task(scene.submit("quick"))
    await until(lambda: scene.chats.open_ids, "it is accepted in the store")
    scene.chats.say("m001", "already")
    await submitting
    await scene.told("user_message", "token", listener=other)
    await scene.told("token")


async def test_a_command_word_is_answered_at_once_but_after_the_running_answer(scene: Scene) -> None:
    await scene.submit()
    scene.chats.say("m001", "x")
    scene.chats.told = "Nothing waits."
    await scene.submit("STATUS")
    await scene.told("token")
    scene.chats.end("m001")
    told = await scene.told("token", "complete", "token", "complete")
    assert (told[2]["content"], told[3]["cost_usd"]) == ("Nothing waits.", 0)


async def test_a_refused_message_changes_nothing(scene: Scene) -> None:
    scene.chats.refusal = RateLimited(7.0)
    with pytest.raises(RateLimited):
        await scene.submit()
    assert got(scene.listener) == []
    assert not scene.dialogue.running


async def test_a_position_in_the_queue_is_told_to_all(scene: Scene) -> None:
    scene.chats.queued = ChatQueued(position=2, reason="It waits.")
    await scene.submit()
    (queued,) = await scene.told("queued")
    assert (queued["position"], queued["reason"], queued["message_id"]) == (2, "It waits.", "m001")


async def test_an_answer_without_tokens_is_told_whole(scene: Scene) -> None:
    await scene.submit()
    scene.chats.end("m001", answer="all at once")
    told = await scene.told("token", "complete")
    assert told[0]["content"] == "all at once"


@pytest.mark.parametrize(
    ("state", "kind"),
    [(TurnState.FAILED, "error"), (TurnState.CANCELLED, "interrupted"), (TurnState.INTERRUPTED, "interrupted")],
)
async def test_other_ends(scene: Scene, state: TurnState, kind: str) -> None:
    await scene.submit()
    scene.chats.say("m001", "x")
    scene.chats.end("m001", state, answer="x")
    told = await scene.told("token", kind)
    assert told[-1]["message_id"] == "m001"


async def test_why_an_answer_has_ended_is_told_with_names(scene: Scene) -> None:
    ann = Known(reference="entity-4f5a1c2e", person="4f5a1c2e-ann", name="Ann Lee")
    circle = scene.services.people._circles[SESSION] = Circle(People([ann]))
    await scene.submit()
    why = "a restart; swap entity-4f5a1c2e had started"
    ended = ChatEnd(result=result("m001", TurnState.INTERRUPTED, why=why), error=TurnFailed("it broke"))
    scene.chats._future(MessageId("m001")).set_result(ended)
    (told,) = await scene.told("interrupted")
    assert told["message"] == "a restart; swap Ann Lee had started"
    assert circle.people


async def test_an_interrupt_is_answered_once_by_the_end(scene: Scene) -> None:
    await scene.submit()
    scene.chats.say("m001", "x")
    await scene.interrupt()
    scene.chats.say("m001", "late")
    told = await scene.told("token", "interrupted")
    assert told[-1] == {
        "type": "interrupted",
        "message": "Generation stopped by user",
        "partial_response": True,
        "message_id": "m001",
        "seq": 3,
    }


async def test_an_answer_that_does_not_stop_is_cut_and_its_rest_dropped(scene: Scene) -> None:
    scene.chats.deaf = True
    await scene.submit()
    scene.chats.say("m001", "x")
    await scene.interrupt()
    await scene.told("token", "interrupted")
    scene.chats.say("m001", "still speaking")
    scene.chats.end("m001")
    await scene.submit()
    scene.chats.say("m002", "next")
    await scene.told("token", "interrupted", "token")


async def test_a_second_interrupt_of_an_answer_that_has_not_begun_ends_no_message_that_waits(scene: Scene) -> None:
    scene.chats.begun.clear()
    await scene.submit()
    await scene.submit()
    await scene.interrupt()
    await scene.told("interrupted")
    await scene.interrupt()
    told = await scene.told("interrupted", "interrupted")
    assert [frame.get("message_id") for frame in told] == ["m001", None]
    assert told[-1]["message"] == "No active generation"
    scene.chats.end("m001", TurnState.CANCELLED)
    scene.chats.deaf = True
    scene.chats.begun.set()
    scene.chats.say("m002", "heard")
    scene.chats.end("m002")
    told = await scene.told("interrupted", "interrupted", "token", "complete")
    assert told[-1]["message_ids"] == ["m002"]


async def test_an_interrupt_that_comes_too_late_says_that_nothing_runs(scene: Scene) -> None:
    scene.chats.deaf = True
    await scene.submit()
    await scene.interrupt()
    scene.chats.stopped.clear()
    scene.chats.end("m001")
    told = await scene.told("complete", "interrupted")
    assert told[-1]["message"] == "No active generation"
    await scene.interrupt()
    await scene.told("complete", "interrupted", "interrupted")


async def test_an_interrupt_while_the_end_is_on_its_way_is_answered_after_it(scene: Scene) -> None:
    await scene.submit()
    scene.chats.say("m001", "x")
    scene.chats.open_ids.clear()  # it has ended in the store; nobody has been told yet
    await scene.interrupt()
    scene.chats.end("m001")
    told = await scene.told("token", "complete", "interrupted")
    assert told[-1]["message"] == "No active generation"


async def test_a_repeated_message_is_told_its_end_again(scene: Scene) -> None:
    await scene.submit(external_id="e1")
    scene.chats.end("m001")
    await scene.told("complete")
    other = scene.comes()
    await scene.submit(external_id="e1", listener=other)
    told = await scene.told("complete", listener=other)
    assert told[0]["message_ids"] == ["m001"]
    await scene.told("complete")


async def test_a_joined_message_has_no_end_of_its_own(scene: Scene) -> None:
    await scene.submit()
    await scene.submit()
    scene.chats.say("m001", "both")
    scene.chats.end("m001", joined=["m002"])
    told = await scene.told("token", "complete")
    assert told[-1]["message_ids"] == ["m001", "m002"]


async def test_a_tool_call_with_an_artifact(scene: Scene) -> None:
    await scene.submit()
    whole: Any = {"session_id": SESSION, "message_id": "m001", "tool_use_id": "t1", "name": "validate"}
    scene.chats.publish(events.ToolCallBegun(**whole))
    scene.chats.publish(events.ClaudeCodeTool(**whole, status="started", input={"a": 1}))
    scene.chats.publish(events.ArtifactMade(**whole, kind="", title="Check", data={"rows": [1]}))
    scene.chats.publish(events.ClaudeCodeTool(**whole, status="succeeded", result="1 row"))
    told = await scene.told("tool_call_start", "tool_call", "tool_result", "artifact")
    assert told[2]["result"] == {"rows": [1], "tool_name": "validate"}
    assert (told[3]["kind"], told[3]["title"], told[3]["data"]) == ("analysis", "Check", {"rows": [1]})


async def test_what_ran_before_anybody_came_is_followed_from_where_it_is(scene: Scene) -> None:
    scene.chats.so_far = [(MessageId("m900"), "so far")]
    scene.chats.unfinished = [MessageId("m900"), MessageId("m901")]
    await scene.dialogue.attach(ALICE)
    scene.chats.say("m900", ", and on")
    scene.chats.end("m900")
    scene.chats.end("m901")
    told = await scene.told("token", "token", "complete", "complete")
    assert [frame.get("content") for frame in told[:2]] == ["so far", ", and on"]


class Dialogues(RuleBasedStateMachine):
    """Two people's worth of clicks: messages, tokens, ends, joins, interrupts, lost connections, repetitions."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.scene = self.run(self._scene())
        self.sent = 0
        self.listeners = [self.scene.listener]
        self.seen: list[list[tuple[int, Frame]]] = [[]]

    async def _scene(self) -> Scene:
        return Scene()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        async def settled() -> T:
            done = await work
            for _ in range(8):
                await asyncio.sleep(0)
            return done

        return self.loop.run_until_complete(settled())

    def teardown(self) -> None:
        self.run(self.scene.services.tasks.aclose(0))
        self.loop.close()

    def do(self, work: Callable[[], object]) -> None:
        """Do something inside the loop, and let it run."""

        async def inside() -> None:
            work()

        self.run(inside())

    @rule(again=st.booleans())
    def submit(self, again: bool) -> None:
        external_id = f"e{self.sent - 1}" if again and self.sent else f"e{self.sent}"
        self.sent += external_id == f"e{self.sent}"
        self.run(self.scene.submit(external_id=external_id))

    @rule()
    def elsewhere(self) -> None:
        self.do(lambda: self.scene.chats.arrive("from a terminal"))

    @precondition(lambda self: self.scene.chats.open_ids)
    @rule(data=st.data())
    def speak(self, data: st.DataObject) -> None:
        message_id = data.draw(st.sampled_from(list(self.scene.chats.open_ids)[:2]))
        self.do(lambda: self.scene.chats.say(message_id, f"[{message_id}]"))

    @precondition(lambda self: self.scene.chats.open_ids)
    @rule(state=st.sampled_from([TurnState.COMPLETED, TurnState.FAILED, TurnState.CANCELLED]), joins=st.integers(0, 1))
    def end(self, state: TurnState, joins: int) -> None:
        first, *rest = self.scene.chats.open_ids
        joined = rest[:joins] if state is TurnState.COMPLETED else []
        self.do(lambda: self.scene.chats.end(first, state, joined=joined))

    @precondition(lambda self: self.scene.chats._count)
    @rule(data=st.data())
    def late(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(1, self.scene.chats._count))
        if (message_id := MessageId(f"m{number:03}")) not in self.scene.chats.open_ids:
            self.do(lambda: self.scene.chats.say(message_id, f"[{message_id}]"))

    @rule(twice=st.booleans())
    def interrupt(self, twice: bool) -> None:
        for _ in range(1 + twice):
            self.run(self.scene.interrupt(self.listeners[-1]))

    @rule(keeps=st.integers(0, 3))
    def reconnect(self, keeps: int) -> None:
        """The connection is lost after some frames; the next one resumes after the last that was read."""
        lost = self.listeners[-1]
        del self.scene.audience.members[lost]
        read = lost.got[: len(lost.got) - keeps] if keeps else lost.got
        after = read[-1].seq if read else 0
        fresh = self.scene.comes()
        replayed = self.scene.audience.log.after(after)
        assert replayed is not None
        for_all = {frame["seq"] for frame in self.kept()}
        unread = {frame.seq for frame in lost.got[len(read) :]} & for_all
        assert unread <= {frame.seq for frame in replayed}  # nothing that was lost is missing
        fresh.got = [*read, *replayed]
        self.listeners.append(fresh)

    @rule()
    def finish(self) -> None:
        while self.scene.chats.open_ids:
            self.end(TurnState.COMPLETED, 0)
        assert not self.scene.dialogue.running
        accepted = {f"m{number:03}" for number in range(1, self.scene.chats._count + 1)}
        assert {one for frame in self.kept() for one in ids_of(frame)} == accepted

    def kept(self) -> list[Frame]:
        """Everything that may be asked for again, in order."""
        return [json.loads(frame.data) for frame in self.scene.audience.log.after(0) or []]

    @invariant()
    def each_message_has_one_end_and_nothing_of_it_comes_later(self) -> None:
        for stream in (self.kept(), got(self.listeners[-1])):
            numbers = [frame["seq"] for frame in stream]
            assert numbers == sorted(set(numbers))
        ended: set[str] = set()
        for frame in self.kept():
            if frame["type"] in ("complete", "interrupted", "error"):
                ids = set(ids_of(frame))
                assert ids
                assert not ids & ended
                ended |= ids
            elif frame["type"] == "token":
                assert frame["content"].strip("[]") not in ended


def ids_of(frame: Frame) -> list[str]:
    if frame["type"] == "complete":
        return list(frame["message_ids"])
    return [frame["message_id"]] if "message_id" in frame and frame["type"] in ("interrupted", "error") else []


TestDialogues = Dialogues.TestCase
TestDialogues.settings = settings(max_examples=60, stateful_step_count=30)
