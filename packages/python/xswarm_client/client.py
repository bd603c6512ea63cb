"""The client: sessions, messages, questions, costs."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncGenerator
from types import TracebackType

from xswarm_client.connection import AWAY_SECONDS, LOST, Connection
from xswarm_client.errors import NotConfigured
from xswarm_client.events import (
    Answer,
    Cost,
    CostRow,
    Event,
    Frame,
    GroupBy,
    Question,
    SessionStatus,
    read,
)
from xswarm_client.session import Session, followed
from xswarm_client.settings import Settings, settings
from xswarm_client.turn import Turn

APPROVALS = "approvals"
"""The topic of questions about tool calls."""


class AsyncClient:
    """A client of a daemon; `async with` connects and disconnects.

    Args:
        url, token, user, project: as in `Settings`; the default of each is in the environment.
        away_seconds: how long a daemon that restarts may be away before waiting requests are given up.

    Raises:
        NotConfigured: there is no token.
        Unreachable, NotXswarm, NotAuthenticated: on entering.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        user: str | None = None,
        project: str | None = None,
        away_seconds: float = AWAY_SECONDS,
    ) -> None:
        self.settings: Settings = settings(url, token, user=user, project=project)
        self._connection = Connection(self.settings, away_seconds=away_seconds)

    async def __aenter__(self) -> AsyncClient:
        await self._connection.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connection.close()

    @property
    def server(self) -> str:
        """Name and version of the daemon; empty = it does not say."""
        return self._connection.server

    @property
    def user(self) -> str:
        """The user for whom the client asks.

        Raises:
            NotConfigured: the token is a service's, and no user is named.
        """
        user = self.settings.user or self._connection.user_id
        if not user:
            raise NotConfigured("the token says not for whom it asks", remedy="set XSWARM_USER to the id of a user")
        return user

    # -- Claude Code

    async def session(self, project: str | None = None, *, session_id: str | None = None) -> Session:
        """Open a session, or go on with one.

        Args:
            project: a folder in one of the user's projects, absolute, on the daemon's machine; None = that of the
                settings.
            session_id: of the session to go on with; None = a new one.

        Raises:
            NotConfigured: no folder is named.
            XswarmError: the folder is not the user's, or there is no room.
        """
        folder = project or self.settings.project
        if not folder:
            raise NotConfigured("no folder is named", remedy="name one of the user's projects, or set XSWARM_PROJECT")
        chosen = session_id or str(uuid.uuid4())
        frame = {"type": "claude_code_connect", "session_id": chosen, "project_path": folder, "user_id": self.user}
        connected = await self._connection.request(frame, timeout=120.0)
        await self._connection.subscribe(f"session:{chosen}")
        await self._connection.subscribe(APPROVALS)
        return Session(self._connection, chosen, resumed=bool(connected.get("resumed")))

    async def ask(
        self,
        message: str,
        *,
        thread: str | None = None,
        external_id: str | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """Send a message that the daemon routes, as it routes a text message, and return the answer.

        Begin it with `claude:` for Claude Code, or `@NAME` for a project; anything else is routed by its words.

        Args:
            thread: messages of one thread belong together; None = the user's conversation.
            external_id: names the message, so that its repetition gets the first answer; None = a new one.
            timeout: in seconds; None = wait as long as it takes. The turn is not interrupted.

        Raises:
            TimeoutError: there was no answer in time.
            XswarmError: the message was refused, or the turn failed.
        """
        external_id = external_id or str(uuid.uuid4())
        frame: Frame = {"type": "message", "user_id": self.user, "message": message, "external_id": external_id}
        if thread is not None:
            frame["thread"] = thread
        turn = Turn(None, external_id, set())
        async with asyncio.timeout(timeout), contextlib.aclosing(followed(self._connection, turn, frame)) as events:
            async for event in events:
                if isinstance(event, Answer):
                    return event
        raise AssertionError("a stream ends with an answer or an error")

    async def stream(self, prompt: str, project: str | None = None) -> AsyncGenerator[Event, None]:
        """Ask in a new session and yield the events; the session ends with the answer.

        Raises:
            XswarmError: as `session` and `Session.stream`.
        """
        session = await self.session(project)
        try:
            async with contextlib.aclosing(session.stream(prompt)) as events:
                async for event in events:
                    yield event
        finally:
            with contextlib.suppress(Exception):
                await session.close()

    # -- questions about tool calls

    async def questions(self) -> AsyncGenerator[Question, None]:
        """Yield each question that this token may answer: those that are open now, then new ones as they come."""
        pushed: asyncio.Queue[Frame] = asyncio.Queue()
        stop = self._connection.listen(pushed.put_nowait)
        told: set[str] = set()
        try:
            await self._connection.subscribe(APPROVALS)
            while True:
                frame = await pushed.get()
                if frame is LOST:
                    told.clear()
                elif (
                    frame.get("type") == "approval_requested"
                    and (question := read(Question, frame)).approval_id not in told
                ):
                    told.add(question.approval_id)
                    yield question
        finally:
            stop()

    async def approve(self, question: Question | str, note: str | None = None) -> None:
        """Allow a tool call.

        Args:
            question: it, its id, or its code.
            note: the reason, for the audit trail.

        Raises:
            XswarmError: there is no such question, or it is closed.
        """
        await self._resolve(question, "allow", note)

    async def deny(self, question: Question | str, note: str | None = None) -> None:
        """Deny a tool call; the model reads the note. As `approve`."""
        await self._resolve(question, "deny", note)

    async def _resolve(self, question: Question | str, decision: str, note: str | None) -> None:
        name = question.approval_id if isinstance(question, Question) else question
        frame: Frame = {"type": "resolve_approval", "approval_id": name, "decision": decision}
        if note is not None:
            frame["note"] = note
        await self._connection.request(frame, repeat=False)

    # -- records

    async def sessions(self, *, active_only: bool = True, user: str | None = None) -> list[SessionStatus]:
        """Return the sessions that this token may see, the one with the latest activity first."""
        frame: Frame = {"type": "list_sessions", "active_only": active_only}
        if user is not None:
            frame["user_id"] = user
        found = await self._connection.request(frame)
        return [read(SessionStatus, item) for item in found.get("sessions", [])]

    async def cost(
        self,
        *,
        user: str | None = None,
        session_id: str | None = None,
        since: str | None = None,
        until: str | None = None,
        group_by: GroupBy | None = None,
    ) -> Cost:
        """Return what was spent.

        Args:
            since, until: UTC days or RFC 3339 times; `until` is excluded.
        """
        given = {"user_id": user, "session_id": session_id, "since": since, "until": until, "group_by": group_by}
        frame: Frame = {"type": "get_cost", **{name: value for name, value in given.items() if value is not None}}
        found = await self._connection.request(frame)
        rows = tuple(read(CostRow, row) for row in found.get("rows", []))
        return Cost(total_usd=float(found.get("total_usd", 0.0)), rows=rows)
