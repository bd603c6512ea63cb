"""How many sessions may be live at once: `max_sessions` and `max_sessions_per_user`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from supervisor.protocol.errors import MaxSessions
from supervisor.protocol.messages import SessionId, UserId
from supervisor.sessions.pool import SessionPool


class SessionLimits:
    """Admits new sessions up to the limits.

    A session that is being connected is not live yet. It holds a reservation until it is, so that concurrent
    connects cannot exceed the limits together.

    Args:
        max_sessions: live sessions of all users.
        max_per_user: live sessions of one user; 0 = no limit.
    """

    def __init__(self, sessions: SessionPool, *, max_sessions: int, max_per_user: int) -> None:
        self._sessions = sessions
        self._max_sessions = max_sessions
        self._max_per_user = max_per_user
        self._reserved: dict[SessionId, UserId] = {}

    @contextmanager
    def reserve(self, user_id: UserId, session_id: SessionId) -> Iterator[None]:
        """Hold a reservation for a session inside the `with` block; a live session needs none.

        Raises:
            MaxSessions: a limit is reached.
        """
        if self._is_live(session_id) or session_id in self._reserved:
            yield
            return
        connecting = [owner for reserved, owner in self._reserved.items() if not self._is_live(reserved)]
        if self._sessions.has_live(self._max_sessions - len(connecting)):
            raise MaxSessions(self._max_sessions)
        most = self._max_per_user  # without a limit nothing is counted: the count reads every session in memory
        if most and self._sessions.live_count_of(user_id) + connecting.count(user_id) >= most:
            raise MaxSessions(most)
        self._reserved[session_id] = user_id
        try:
            yield
        finally:
            del self._reserved[session_id]

    def _is_live(self, session_id: SessionId) -> bool:
        live = self._sessions.live(session_id)
        return live is not None and live.lifecycle.status.live
