"""Who waits for a process while there are as many as there may be: first come first served, users in turn."""

from __future__ import annotations

import asyncio
from collections import deque

from supervisor.protocol.messages import UserId


class Room:
    """A line in front of a room that is full; whoever leaves the room says so, and the next one looks.

    A user with many sessions waits with each of them, and is served once before anybody else is served twice.
    """

    def __init__(self) -> None:
        self._lines: dict[UserId, deque[asyncio.Future[None]]] = {}

    @property
    def crowded(self) -> bool:
        """Whether somebody waits: who comes now stands behind them."""
        return bool(self._lines)

    async def wait(self, user_id: UserId) -> None:
        """Return when it is one's turn to look whether there is room. May be cancelled: the next one looks then."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(user_id, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.changed()
            raise
        finally:
            self._leave(user_id, turn)

    def changed(self) -> None:
        """Let the next one look: a process has ended, or nothing uses it any more."""
        if not self._lines:
            return
        user_id, line = next(iter(self._lines.items()))
        turn = line.popleft()
        del self._lines[user_id]
        if line:
            self._lines[user_id] = line  # behind the others
        if not turn.done():
            turn.set_result(None)
        else:
            self.changed()

    def open(self) -> None:
        """Let everybody look: nobody is served any more."""
        while self._lines:
            self.changed()

    def _leave(self, user_id: UserId, turn: asyncio.Future[None]) -> None:
        line = self._lines.get(user_id)
        if line is not None and turn in line:
            line.remove(turn)
            if not line:
                del self._lines[user_id]
