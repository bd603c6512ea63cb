"""Who has a session of Claude Code on their page, and who writes in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from supervisor.protocol.messages import SessionId, UserId
from supervisor.wires.chat.rooms.attendance import Attendance


class Watcher(Protocol):
    """One page."""

    @property
    def user_id(self) -> UserId:
        """The person in front of it."""

    def present(self, frame: dict[str, Any]) -> None:
        """Take who is there; only the last such frame counts. Returns at once."""


class Watching:
    """The sessions that pages show; each page shows one at most.

    Args:
        clock: seconds of a clock that never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._shown: dict[Watcher, SessionId] = {}
        self._attendance: dict[SessionId, Attendance] = {}

    def enter(self, watcher: Watcher, session_id: SessionId) -> None:
        """Note that a page shows a session, and no other one any more; tell everybody who looks at it."""
        self.leave(watcher)
        self._shown[watcher] = session_id
        self._attendance.setdefault(session_id, Attendance()).came(watcher, watcher.user_id)
        self._tell(session_id)

    def leave(self, watcher: Watcher) -> None:
        """Note that a page shows no session any more; tell everybody who still looks at it."""
        session_id = self._shown.pop(watcher, None)
        if session_id is None:
            return
        self._attendance[session_id].left(watcher)
        if session_id in self._shown.values():
            self._tell(session_id)
        else:
            del self._attendance[session_id]

    def types(self, watcher: Watcher) -> None:
        """Note that the person of a page writes."""
        session_id = self._shown.get(watcher)
        if session_id is not None and self._attendance[session_id].types(watcher, self._clock()):
            self._tell(session_id)

    def wrote(self, watcher: Watcher) -> None:
        """Note that they have sent what they wrote, or given it up."""
        session_id = self._shown.get(watcher)
        if session_id is not None and self._attendance[session_id].wrote(watcher):
            self._tell(session_id)

    def look(self) -> None:
        """Tell everybody who has stopped writing."""
        for session_id, attendance in self._attendance.items():
            if attendance.stopped(self._clock()):
                self._tell(session_id)

    def _tell(self, session_id: SessionId) -> None:
        users = [{"id": one.id, "state": one.state} for one in self._attendance[session_id].frame().users]
        for watcher, shown in self._shown.items():
            if shown == session_id:
                watcher.present({"type": "presence", "session_id": session_id, "users": users})
