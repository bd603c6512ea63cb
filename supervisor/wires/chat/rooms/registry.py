"""The rooms of all chats that somebody has open, or had open a while ago."""

from __future__ import annotations

from collections.abc import Iterator

from supervisor.operations.chats.records import ChatOpened
from supervisor.people.identity import Caller
from supervisor.protocol.messages import SessionId
from supervisor.store.records.accounts import User
from supervisor.wires.chat.rooms.room import Room
from supervisor.wires.chat.rooms.services import RoomServices

EPOCH_BITS = 32
"""The frames of one start of the daemon have numbers from `epoch << EPOCH_BITS` on."""


class Rooms:
    """Finds the room of a chat, or makes one.

    Args:
        epoch: of this start of the daemon; numbers of frames grow from start to start.
    """

    def __init__(self, services: RoomServices, *, epoch: int) -> None:
        self._services = services
        self._rooms: dict[SessionId, Room] = {}
        self._highest = epoch << EPOCH_BITS  # the last number of every room that is gone

    def __len__(self) -> int:
        return len(self._rooms)

    def __iter__(self) -> Iterator[Room]:
        return iter(list(self._rooms.values()))

    async def enter(self, user: User, caller: Caller, session_id: SessionId | None) -> tuple[Room, ChatOpened]:
        """Return the room of a chat of a user, or of a new chat where the id is not theirs.

        Raises:
            XswarmError: the chat could not be opened.
        """
        found = await self._services.chats.open(user, session_id)
        room = self._rooms.get(found.session_id)
        if room is None:
            room = Room(found.session_id, user.id, self._services, first=self._highest + 1)
            self._rooms[found.session_id] = room
        room.expect()
        try:
            await room.open(user, caller)
        except BaseException:
            self._drop(room)
            raise
        return room, found

    def look(self) -> None:
        """Close the rooms that nobody needs any more, and show who has stopped writing."""
        now = self._services.clock()
        for room in self:
            room.look()
            if room.is_over(now):
                self._drop(room)

    def close(self) -> None:
        """Close all rooms."""
        for room in self:
            self._drop(room)

    def _drop(self, room: Room) -> None:
        room.close()
        if self._rooms.get(room.session_id) is room:
            del self._rooms[room.session_id]
            self._highest = max(self._highest, room.audience.log.last)
