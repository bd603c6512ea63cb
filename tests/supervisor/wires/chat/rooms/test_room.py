"""One chat that somebody has open."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from supervisor.operations.chat_history import ChatMessage
from supervisor.operations.chats.records import ChatEnd
from supervisor.protocol import events
from supervisor.protocol.errors import TurnFailed
from supervisor.protocol.messages import MessageId
from supervisor.protocol.status import Target, TurnState
from supervisor.wires.chat import frames
from supervisor.wires.chat.rooms.log import KEPT_SECONDS
from supervisor.wires.chat.rooms.room import EMPTY_SECONDS, Room
from tests.supervisor.wires.chat.rooms.scripted import (
    ALICE,
    CALLER,
    SESSION,
    Clock,
    Listener,
    ScriptedChats,
    result,
    services,
)
from tests.waiting import until

FIRST = 1 << 32


def message(message_id: str, role: Any, content: str = "x") -> ChatMessage:
    return ChatMessage(
        id=MessageId(f"{message_id}-{role}"),
        message_id=MessageId(message_id),
        role=role,
        content=content,
        timestamp_ms=0,
        by=ALICE.id if role == "user" else None,
        target=Target.ASSISTANT,
        state=TurnState.COMPLETED,
    )


class Opened:
    """A room over scripted chats."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.services = services(self.clock)
        assert isinstance(self.services.chats, ScriptedChats)
        self.chats = self.services.chats
        self.room = Room(SESSION, ALICE.id, self.services, first=FIRST)

    def comes(self) -> Listener:
        listener = Listener()
        listener.post(self.room.join(listener, 0))
        self.room.welcome(listener)
        return listener


@pytest.fixture
async def opened() -> Opened:
    made = Opened()
    await made.room.open(ALICE, CALLER)
    return made


def got(listener: Listener) -> list[dict[str, Any]]:
    return [json.loads(frame.data) for frame in listener.got]


async def test_the_first_connection_gets_all_of_an_answer_that_began_before_it(opened: Opened) -> None:
    room = Room(SESSION, ALICE.id, opened.services, first=FIRST)
    opened.room = room
    opened.chats.so_far, opened.chats.unfinished = [(MessageId("m1"), "(again) one ")], [MessageId("m1")]
    await room.open(ALICE, CALLER)
    opened.chats.say("m1", "two ")
    first = opened.comes()
    opened.chats.say("m1", "three")
    second = opened.comes()
    assert [frame.get("content") for frame in got(first)] == [None, "(again) one ", "two ", "three", None]
    assert [frame["seq"] for frame in got(first)][:4] == [FIRST - 1, FIRST, FIRST + 1, FIRST + 2]
    assert [frame["type"] for frame in got(second)] == ["connected", "presence"]


async def test_what_is_written_while_a_room_opens_is_shown_once(opened: Opened) -> None:
    room = Room(SESSION, ALICE.id, opened.services, first=FIRST)
    opened.room = room
    opened.chats.unfinished = [MessageId("m1")]
    opening = asyncio.create_task(room.open(ALICE, CALLER))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    opened.chats.say("m1", "one ")
    opened.chats.so_far = [(MessageId("m1"), "one ")]
    await opening
    opened.chats.say("m1", "two")
    assert [frame.get("content") for frame in got(opened.comes())] == [None, "one ", "two"]


async def answer(opened: Opened, listener: Listener, text: str = "x") -> None:
    """Ask, and let the answer end."""
    await opened.room.dialogue.submit(listener, ALICE, frames.UserMessage(content="hi"))
    running = opened.chats.open_ids[0]
    opened.chats.say(running, text)
    opened.chats.end(running)
    await until(lambda: not opened.room.dialogue.running, "it has ended")


async def test_the_first_frame_names_the_number_before_it_came(opened: Opened) -> None:
    assert got(opened.comes()) == [{"type": "connected", "session_id": SESSION, "history_count": 0, "seq": FIRST - 1}]


async def test_the_first_to_come_gets_what_happened_before_and_the_second_does_not() -> None:
    made = Opened()
    made.chats.so_far = [(MessageId("m900"), "so far")]
    await made.room.open(ALICE, CALLER)
    made.chats.say("m900", ", and on")
    one, two = made.comes(), made.comes()
    assert [frame.get("content") for frame in got(one)[:3]] == [None, "so far", ", and on"]
    assert got(one)[0]["seq"] == FIRST - 1
    assert [frame["type"] for frame in got(two)] == ["connected", "presence"]
    assert got(two)[0]["seq"] == FIRST + 1


async def test_presence_is_told_only_where_there_are_several(opened: Opened) -> None:
    one = opened.comes()
    opened.room.types(one)
    assert len(got(one)) == 1
    two = opened.comes()
    assert got(one)[-1]["users"] == [{"id": "alice", "state": "writing"}]
    opened.clock.now += 10
    opened.room.look()
    assert got(two)[-1]["users"] == [{"id": "alice", "state": "viewing"}]
    opened.room.leave(two)
    opened.room.leave(two)
    assert got(one)[-1]["type"] == "presence"


async def test_what_was_missed_is_replayed(opened: Opened) -> None:
    one = opened.comes()
    await answer(opened, one, "x")
    replayed = await opened.room.replay(ALICE, FIRST)
    assert [json.loads(frame.data)["type"] for frame in replayed.frames] == ["token", "complete"]


async def test_an_older_number_gets_the_history_and_the_running_answer(opened: Opened) -> None:
    one = opened.comes()
    await opened.room.dialogue.submit(one, ALICE, frames.UserMessage(content="hi"))
    opened.chats.say("m001", "a")
    opened.chats.say("m001", "b")
    opened.chats.known = [message("m001", "user"), message("m001", "assistant"), message("m002", "user")]
    history, *rest = (await opened.room.replay(ALICE, 5)).frames
    items = json.loads(history.data)["messages"]
    assert [item["id"] for item in items] == ["m001-user", "m002-user"]  # the answer follows as it comes
    assert [frame.text for frame in rest] == ["a", "b"]
    assert history.seq < rest[0].seq


async def test_an_older_number_gets_the_ends_that_went_out_since(opened: Opened) -> None:
    one = opened.comes()
    await answer(opened, one, "x")
    await opened.room.dialogue.submit(one, ALICE, frames.UserMessage(content="hi"))
    opened.chats.say("m002", "a")
    replay = await opened.room.replay(ALICE, 5)
    assert [json.loads(frame.data)["type"] for frame in replay.frames] == ["history", "complete", "token"]
    assert {FIRST + 1, FIRST + 2} <= set(replay.instead_of)
    assert replay.frames[-1].seq not in replay.instead_of
    assert [frame.seq for frame in replay.frames] == sorted(frame.seq for frame in replay.frames)


async def test_who_comes_first_after_a_restart_gets_the_ends_that_came_meanwhile() -> None:
    made = Opened()
    error = TurnFailed("the daemon was restarted")
    made.chats.ended_before = [
        ChatEnd(result=result("m1", answer="one")),
        ChatEnd(result=result("m2", TurnState.INTERRUPTED, why="a restart"), error=error),
    ]
    made.chats.so_far, made.chats.unfinished = [(MessageId("m3"), "three")], [MessageId("m3")]
    await made.room.open(ALICE, CALLER)
    told = [(frame["type"], frame.get("content")) for frame in got(made.comes())[1:]]
    assert told == [("token", "one"), ("complete", None), ("interrupted", None), ("token", "three")]
    second = (await made.room.replay(ALICE, 5)).frames
    assert [json.loads(frame.data)["type"] for frame in second] == ["history", "complete", "interrupted", "token"]


async def test_a_history_is_read_again_where_an_answer_ended_meanwhile(opened: Opened) -> None:
    one = opened.comes()
    await opened.room.dialogue.submit(one, ALICE, frames.UserMessage(content="hi"))
    reading = asyncio.create_task(opened.room.history(ALICE))
    opened.chats.known = [message("m001", "user")]
    await asyncio.sleep(0)
    opened.chats.end("m001")
    await until(lambda: opened.room.dialogue.ends, "it ends")
    opened.chats.known = [message("m001", "user"), message("m001", "assistant")]
    assert len((await reading).messages) in (1, 2)
    assert len((await opened.room.history(ALICE)).messages) == 2


async def test_a_title_is_told_once(opened: Opened) -> None:
    one = opened.comes()
    record = events.SessionUpdated(
        session_id=SESSION,
        user_id="alice",
        project_path="",
        status="idle",
        cost_usd=0.0,
        message_count=0,
        duration_seconds=0,
        started_at="",
        last_activity="",
        ended_at=None,
        kind="chat",
        title="Rounds",
    )
    opened.chats.publish(record)
    opened.chats.publish(replace(record, message_count=1))
    opened.chats.publish(replace(record, session_id="another", title="x"))
    assert [frame.get("title") for frame in got(one)] == [None, "Rounds"]


async def test_a_notice_is_shown_to_those_who_are_there_and_not_kept(opened: Opened) -> None:
    one = opened.comes()
    opened.room._on_event(events.ChatNotice(session_id=SESSION, message="Alice works on the schedule."))
    assert got(one)[-1]["message"] == "Alice works on the schedule."
    assert got(one)[-1]["type"] == "notice"
    assert all(frame.get("type") != "notice" for frame in got(opened.comes()))


async def test_a_room_lives_until_nobody_needs_its_frames(opened: Opened) -> None:
    one = opened.comes()
    await opened.room.dialogue.submit(one, ALICE, frames.UserMessage(content="hi"))
    opened.clock.now += 10 * KEPT_SECONDS
    assert not opened.room.is_over(opened.clock.now)
    opened.room.leave(one)
    opened.clock.now += 10 * KEPT_SECONDS
    assert not opened.room.is_over(opened.clock.now)  # an answer runs
    opened.chats.end("m001")
    await until(lambda: not opened.room.dialogue.running, "it has ended")
    opened.clock.now += KEPT_SECONDS - 1
    assert not opened.room.is_over(opened.clock.now)
    opened.clock.now += 1
    assert opened.room.is_over(opened.clock.now)


async def test_a_room_in_which_nothing_was_said_is_soon_over(opened: Opened) -> None:
    opened.room.leave(opened.comes())
    assert not opened.room.is_over(opened.clock.now)
    assert opened.room.is_over(opened.clock.now + EMPTY_SECONDS)


async def test_a_closed_room_hears_nothing(opened: Opened) -> None:
    one = opened.comes()
    opened.room.close()
    opened.chats.arrive("hi")
    assert len(got(one)) == 1
