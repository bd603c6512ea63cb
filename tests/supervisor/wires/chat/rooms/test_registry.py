"""The rooms of all chats."""

from __future__ import annotations

import asyncio

import pytest

from supervisor.protocol.errors import SessionNotFound, StorageError
from supervisor.protocol.messages import SessionId
from supervisor.store.records.accounts import User
from supervisor.wires.chat.frames import Notice
from supervisor.wires.chat.rooms.log import KEPT_SECONDS
from supervisor.wires.chat.rooms.registry import Rooms
from supervisor.wires.chat.rooms.room import EMPTY_SECONDS
from tests.supervisor.wires.chat.rooms.scripted import ALICE, CALLER, SESSION, Clock, Listener, ScriptedChats, services


async def test_a_chat_has_one_room_however_many_come_at_once() -> None:
    rooms = Rooms(services(), epoch=3)
    entered = await asyncio.gather(*(rooms.enter(ALICE, CALLER, SESSION) for _ in range(5)))
    assert len({id(room) for room, _ in entered}) == len(rooms) == 1
    assert entered[0][1].session_id == SESSION


async def test_numbers_begin_with_the_epoch_and_never_come_again() -> None:
    clock = Clock()
    rooms = Rooms(services(clock), epoch=3)
    room, _ = await rooms.enter(ALICE, CALLER, None)
    listener = Listener()
    assert room.join(listener, 0).seq == 3 << 32
    room.audience.broadcast(Notice(message="x"))
    last = room.audience.log.last
    assert last == (3 << 32) + 1
    room.leave(listener)
    clock.now += KEPT_SECONDS
    rooms.look()
    assert len(rooms) == 0
    again, _ = await rooms.enter(ALICE, CALLER, SESSION)
    assert again.audience.log.after(last - 1) is None
    assert again.audience.log.last == last


async def test_a_room_that_somebody_is_about_to_enter_stays() -> None:
    clock = Clock()
    rooms = Rooms(services(clock), epoch=1)
    room, _ = await rooms.enter(ALICE, CALLER, SESSION)
    clock.now += EMPTY_SECONDS
    again, _ = await rooms.enter(ALICE, CALLER, SESSION)
    rooms.look()
    assert again is room
    assert len(rooms) == 1
    clock.now += EMPTY_SECONDS
    rooms.look()
    assert len(rooms) == 0


async def test_a_chat_that_cannot_be_opened_leaves_no_room() -> None:
    used = services()
    assert isinstance(used.chats, ScriptedChats)

    async def broken(user: User, session_id: SessionId) -> list[str]:
        raise StorageError("the disk is full")

    working = used.chats.running
    used.chats.running = broken  # type: ignore[method-assign, assignment]
    rooms = Rooms(used, epoch=1)
    with pytest.raises(StorageError):
        await rooms.enter(ALICE, CALLER, SESSION)
    assert len(rooms) == 0
    used.chats.running = working  # type: ignore[method-assign]
    assert await rooms.enter(ALICE, CALLER, SESSION)
    with pytest.raises(SessionNotFound):
        await rooms.enter(ALICE, CALLER, SessionId("gone"))


async def test_all_rooms_are_closed_at_the_end() -> None:
    used = services()
    rooms = Rooms(used, epoch=1)
    await rooms.enter(ALICE, CALLER, SESSION)
    assert used.hub.wanted(f"chat:{SESSION}")
    rooms.close()
    assert not used.hub.wanted(f"chat:{SESSION}", f"session:{SESSION}")
