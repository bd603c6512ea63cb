"""REST: Claude Code sessions: create, list, show, interrupt, end."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel

from supervisor.delivery import views
from supervisor.delivery.sizes import page
from supervisor.operations.queries import Queries
from supervisor.operations.sessions import SessionOperations
from supervisor.protocol.errors import InvalidMessage
from supervisor.protocol.ids import uuid7
from supervisor.protocol.limits import Length, OneOf, Shaped
from supervisor.protocol.messages import SessionId
from supervisor.protocol.requests import Name
from supervisor.protocol.status import SessionKind, SessionStatus
from supervisor.protocol.values.record import record
from supervisor.wires.http.auth import Calling
from supervisor.wires.http.idempotency import GivenKey
from supervisor.wires.rest.resource import SESSION, SESSIONS, Endpoint, Id, Limit, body_from

CURSOR = r"^[A-Za-z0-9_-]+$"
"""Regular expression of a cursor: base64url (RFC 4648 section 5) without padding."""


class NewSession(BaseModel):
    """The owner of a new session, and its folder."""

    user_id: Name
    project_path: Annotated[str, Length(1, 4096)]


@record
class Connected:
    """A session that was created."""

    session_id: str
    status: Literal["connected"]
    user_id: str
    project_path: str
    timestamp: str


@record
class Session:
    """The current state of a session.

    A chat has a `title`, and no project.

    `duration_seconds` counts whole seconds from `started_at` to `ended_at`, or to now if it has not ended.
    """

    session_id: str
    user_id: str
    project_path: str
    status: Annotated[str, OneOf(tuple(SessionStatus))]
    cost_usd: float
    message_count: int
    duration_seconds: int
    started_at: str
    last_activity: str
    ended_at: str | None
    kind: Annotated[str, OneOf(tuple(SessionKind))]
    title: str = ""


@record
class SessionPage:
    """Sessions, newest activity first; `next_cursor` is null on the last page."""

    sessions: Sequence[Session]
    next_cursor: str | None


@record
class SessionCost:
    """What a session has cost so far."""

    session_id: str
    cost_usd: float
    message_count: int
    duration_seconds: int
    status: Annotated[str, OneOf(tuple(SessionStatus))]


@record
class Interrupted:
    """The running turn was interrupted; `message_id` is null if no turn was running."""

    session_id: str
    message_id: str | None
    partial: bool
    timestamp: str


@record
class Disconnected:
    """A session that was ended."""

    session_id: str
    reason: str
    timestamp: str


class SessionRoutes:
    """The routes of sessions."""

    def __init__(self, sessions: SessionOperations, queries: Queries) -> None:
        self._sessions = sessions
        self._queries = queries

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("POST", SESSIONS, self.create_session, 201),
            Endpoint("GET", SESSIONS, self.list_sessions),
            Endpoint("GET", SESSION, self.session),
            Endpoint("DELETE", SESSION, self.disconnect),
            Endpoint("POST", f"{SESSION}/interrupt", self.interrupt),
            Endpoint("GET", f"{SESSION}/cost", self.session_cost),
        ]

    async def create_session(self, caller: Calling, body: NewSession, key: GivenKey) -> Connected:
        """Create a session."""
        session_id = SessionId(uuid7())
        event = await self._sessions.connect(caller, session_id, body.project_path, body.user_id)
        session = await self._queries.session(caller, session_id)
        return Connected(
            session_id=session_id,
            status=event.status,
            user_id=session.user_id,
            project_path=session.project_path,
            timestamp=event.timestamp,
        )

    async def list_sessions(
        self,
        caller: Calling,
        user_id: Annotated[Name | None, Query()] = None,
        status: Annotated[SessionStatus | None, Query()] = None,
        limit: Annotated[Limit, Query()] = 50,
        cursor: Annotated[str | None, Query(max_length=256), Shaped(CURSOR)] = None,
    ) -> SessionPage:
        """Return sessions, newest activity first."""
        before = decode_cursor(cursor) if cursor is not None else None
        # One session more than the page holds tells whether another page follows.
        found = await self._queries.list_sessions(
            caller, user_id, active_only=False, limit=limit + 1, before=before, status=status
        )
        bodies = [body_from(Session, views.session_report(session)) for session in found[:limit]]
        sessions = page(bodies, map(asdict, bodies))
        last = found[len(sessions) - 1] if len(found) > len(sessions) else None
        return SessionPage(
            sessions=sessions, next_cursor=encode_cursor(last.activity_ms, last.id) if last is not None else None
        )

    async def session(self, caller: Calling, session_id: Id) -> Session:
        """Return the current state of a session."""
        return body_from(Session, await self._queries.status(caller, SessionId(session_id)))

    async def session_cost(self, caller: Calling, session_id: Id) -> SessionCost:
        """Return what a session has cost."""
        return body_from(SessionCost, await self._queries.status(caller, SessionId(session_id)))

    async def disconnect(self, caller: Calling, session_id: Id) -> Disconnected:
        """End a session; a running turn is interrupted."""
        return body_from(Disconnected, await self._sessions.disconnect(caller, SessionId(session_id)))

    async def interrupt(self, caller: Calling, session_id: Id, key: GivenKey) -> Interrupted:
        """Interrupt the running turn; if no turn is running, do nothing."""
        return body_from(Interrupted, await self._sessions.interrupt(caller, SessionId(session_id)))


def encode_cursor(activity_ms: int, session_id: SessionId) -> str:
    return base64.urlsafe_b64encode(f"{activity_ms}:{session_id}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[int, SessionId]:
    """Return the (activity_ms, id) of the last session on the page before.

    Raises:
        InvalidMessage: `encode_cursor` did not make this cursor.
    """
    text = ""
    if re.fullmatch(CURSOR, cursor):
        with suppress(ValueError):
            text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    activity_ms, separator, session_id = text.partition(":")
    if not separator or not (activity_ms.isascii() and activity_ms.isdecimal() and len(activity_ms) < 16):
        raise InvalidMessage("cursor", "must be the next_cursor of an earlier page")
    return int(activity_ms), SessionId(session_id)
