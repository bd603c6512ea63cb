"""Who has a chat open, and who is writing; Sans-I/O."""

from __future__ import annotations

from supervisor.protocol.messages import UserId
from supervisor.wires.chat.frames import Presence, Present

WRITING_SECONDS = 5.0
"""How long a person counts as writing after the last `typing`, in seconds."""


class Attendance:
    """The people of one chat, by their connections."""

    def __init__(self) -> None:
        self._connections: dict[object, UserId] = {}
        self._writing: dict[object, float] = {}  # until when

    def came(self, connection: object, user_id: UserId) -> None:
        """Note that a connection was opened."""
        self._connections[connection] = user_id

    def left(self, connection: object) -> None:
        """Note that it was closed."""
        self._connections.pop(connection, None)
        self._writing.pop(connection, None)

    def wrote(self, connection: object) -> bool:
        """Note that its person has sent what they wrote; return whether they counted as writing."""
        return self._writing.pop(connection, None) is not None

    def types(self, connection: object, now: float) -> bool:
        """Note that its person writes; return whether that is new.

        Args:
            now: monotonic time in seconds.
        """
        new = self._writing.get(connection, now) <= now
        self._writing[connection] = now + WRITING_SECONDS
        return new

    def stopped(self, now: float) -> bool:
        """Forget those who write no more; return whether there were any."""
        over = [connection for connection, until in self._writing.items() if until <= now]
        for connection in over:
            del self._writing[connection]
        return bool(over)

    def frame(self) -> Presence:
        """Return who is there, each person once, in the order in which they came."""
        writing = {self._connections[connection] for connection in self._writing if connection in self._connections}
        everyone = dict.fromkeys(self._connections.values())
        return Presence(
            users=[Present(id=user_id, state="writing" if user_id in writing else "viewing") for user_id in everyone]
        )
