"""Publishes the status changes of sessions to the hub's subscribers."""

from __future__ import annotations

from supervisor.delivery.hub import Hub
from supervisor.delivery.views import session_ended, session_updated
from supervisor.protocol.status import EndReason
from supervisor.sessions.live import LiveSession
from supervisor.store.ports.sessions import SessionStore


class SessionAnnouncer:
    """Publishes the stored record of a session; it reads the store only where somebody subscribes."""

    def __init__(self, store: SessionStore, hub: Hub) -> None:
        self._store = store
        self._hub = hub

    async def announce(self, session: LiveSession) -> None:
        """Publish the stored status of a session, and its end where it has ended."""
        topics = (f"session:{session.id}", f"user:{session.record.user_id}", "sessions")
        if not self._hub.wanted(*topics) or (record := await self._store.get(session.id)) is None:
            return
        self._hub.publish(session_updated(record), topics)
        ended = not record.status.live and not session.suspending
        if ended and record.end_reason != EndReason.USER:  # that end is the answer to a request
            self._hub.publish(session_ended(record), topics[:2])
