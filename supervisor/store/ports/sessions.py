"""The port of Claude Code sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from supervisor.protocol.messages import ProjectName, SessionId, UserId
from supervisor.protocol.status import EndReason, SessionStatus
from supervisor.store.records.session import NewSession, Session


class SessionStore(Protocol):
    """Claude Code sessions."""

    async def create(self, session: NewSession, *, status: SessionStatus, now_ms: int) -> Session:
        """Create a session's record."""

    async def get(self, session_id: SessionId) -> Session | None:
        """Return one session."""

    async def find(self, user_id: UserId, project: ProjectName, thread: str) -> Session | None:
        """Return the newest session of a user, project and thread that was not ended on purpose."""

    async def find_shared(self, project: ProjectName, thread: str) -> Session | None:
        """Return the newest session that a project's users share in a thread and that was not ended on purpose."""

    async def find_in_thread(self, user_id: UserId, thread: str) -> Session | None:
        """Return the newest session of a user in a mail thread that was not ended on purpose."""

    async def list(
        self,
        *,
        user_id: UserId | None = None,
        shared: Sequence[ProjectName] = (),
        active_only: bool = True,
        limit: int = 500,
        before: tuple[int, SessionId] | None = None,
        status: SessionStatus | None = None,
    ) -> list[Session]:
        """Return sessions, newest activity first.

        Args:
            user_id: whose; None = everybody's.
            shared: with those that others share in these projects.
            before: the (activity_ms, id) that ended the page before.
        """

    async def live_count(self, user_id: UserId | None = None) -> int:
        """Return how many sessions are neither disconnected nor in error."""

    async def set_status(
        self,
        session_id: SessionId,
        status: SessionStatus,
        *,
        reason: EndReason | str = "",
        started: bool | None = None,
        conversation_id: str | None = None,
        now_ms: int,
    ) -> Session | None:
        """Write a session's status (and the sentence why it ended); None = no such session."""

    async def set_status_many(
        self, session_ids: Sequence[SessionId], status: SessionStatus, *, reason: EndReason | str = "", now_ms: int
    ) -> None:
        """The same for many, in one transaction."""

    async def end_all(self, reason: EndReason, *, now_ms: int) -> int:
        """At start: no process of an earlier epoch is left; mark every live session disconnected."""
