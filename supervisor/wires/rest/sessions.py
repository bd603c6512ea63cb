"""REST: protocol.md section 2, a thin face on `Operations`."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import JSONResponse

from supervisor.commands.words import answers_question
from supervisor.delivery import views
from supervisor.intake.submission import Taken
from supervisor.operations.operations import Operations
from supervisor.operations.work_request import WorkRequest
from supervisor.people.accounts import mailbox
from supervisor.people.identity import Caller, Directory
from supervisor.protocol.errors import (
    IdempotencyConflict,
    InvalidMessage,
    MessageNotFound,
    UserNotFound,
    XswarmError,
)
from supervisor.protocol.ids import uuid7
from supervisor.protocol.limits import Between, Length, Pattern
from supervisor.protocol.messages import Address, SessionId
from supervisor.protocol.queue import Mode
from supervisor.protocol.requests import GroupBy, Name, Text
from supervisor.protocol.status import SessionStatus, Target
from supervisor.routing.rules import Decision
from supervisor.store.records.accounts import User
from supervisor.store.records.session import Session
from supervisor.wires.http.auth import Calling, documented
from supervisor.wires.http.idempotency import Repeatable, Repeated
from supervisor.wires.peers import refuse_agent
from supervisor.wires.rest import answers
from supervisor.wires.rest.answers import picked

CHANNEL = "http"
"""The channel of a prompt that came by REST to a session."""

CHANNEL_NAMES = {"email": "mail", "e-mail": "mail"}
"""What other services call our channels."""

Parts = Callable[[], Mapping[str, bool]]
"""Returns which of our own parts work."""


def _storable(context: dict[str, Any]) -> dict[str, Any]:
    try:
        # Read as the socket reads it: what it does not take could be written into no history.
        from_json(json.dumps(context, allow_nan=False, ensure_ascii=False).encode())
    except (ValueError, RecursionError):
        raise ValueError("must be plain JSON: no NaN, no lone surrogates, not nested too deeply") from None
    return context


Id = Annotated[str, Path(max_length=256)]
Limit = Annotated[int, Between(1, 500)]
Context = Annotated[dict[str, Any], AfterValidator(_storable)]


class NewSession(BaseModel):
    """Whose session, and in which folder."""

    user_id: Name
    project_path: Annotated[str, Length(1, 4096)]


class Prompt(BaseModel):
    """A prompt for a session; `mode` says how it enters the line while a turn runs."""

    message: Text
    context: Context | None = None
    mode: Mode | None = None


class Conversation(BaseModel):
    """A message that another service got; `from` is a phone number, a mail address or a user id."""

    model_config = ConfigDict(validate_by_alias=True)

    from_: Annotated[str, Length(1, 320)] = Field(alias="from")
    message: Text
    channel: Annotated[str, Pattern(r"^[A-Za-z][A-Za-z0-9_-]{0,31}$")]


class UnknownSender(UserNotFound):
    """The one text that does not repeat who was looked for: it may be anybody's phone number."""

    def __str__(self) -> str:
        return "User not found"


class Rest:
    """The routes, over what carries them out."""

    def __init__(self, operations: Operations, directory: Directory, parts: Parts) -> None:
        self._operations = operations
        self._directory = directory
        self._parts = parts

    def router(self) -> APIRouter:
        """Return the routes of sessions, messages and costs, and those of health."""
        router = APIRouter(responses={"default": {"model": answers.Failure}})
        sessions = "/api/claude-code/sessions"
        for method, path, endpoint, status in (
            ("POST", sessions, self.create_session, 201),
            ("GET", sessions, self.list_sessions, 200),
            ("GET", sessions + "/{session_id}", self.session, 200),
            ("DELETE", sessions + "/{session_id}", self.disconnect, 200),
            ("GET", sessions + "/{session_id}/messages", self.history, 200),
            ("POST", sessions + "/{session_id}/messages", self.send, 200),
            ("POST", sessions + "/{session_id}/interrupt", self.interrupt, 200),
            ("GET", sessions + "/{session_id}/cost", self.session_cost, 200),
            ("POST", "/api/claude-code/route-conversation", self.route_conversation, 200),
            ("GET", "/api/costs", self.costs, 200),
            ("GET", "/api/messages/{message_id}", self.message, 200),
        ):
            router.add_api_route(path, endpoint, methods=[method], status_code=status, dependencies=[documented])
        router.add_api_route("/healthz", self.healthz, methods=["GET"])
        router.add_api_route("/readyz", self.readyz, methods=["GET"])
        return router

    # -- sessions

    async def create_session(self, caller: Calling, body: NewSession, same: Repeated) -> answers.Connected:
        """Create a session."""
        session_id = SessionId(uuid7())
        event = await self._operations.sessions.connect(caller, session_id, body.project_path, body.user_id)
        session = await self._operations.queries.session(caller, session_id)
        return answers.Connected(
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
        cursor: Annotated[str | None, Query(max_length=256)] = None,
    ) -> answers.SessionPage:
        """Return sessions, newest activity first."""
        before = _place(cursor) if cursor is not None else None
        # One more than asked for says whether another page follows.
        found = await self._operations.queries.list_sessions(
            caller, user_id, active_only=False, limit=limit + 1, before=before, status=status
        )
        page = found[:limit]
        return answers.SessionPage(
            sessions=[picked(answers.Session, views.session_report(session)) for session in page],
            next_cursor=_cursor(page[-1]) if len(found) > limit else None,
        )

    async def session(self, caller: Calling, session_id: Id) -> answers.Session:
        """Return a session as it stands."""
        return picked(answers.Session, await self._operations.queries.status(caller, SessionId(session_id)))

    async def session_cost(self, caller: Calling, session_id: Id) -> answers.SessionCost:
        """Return what a session has cost."""
        return picked(answers.SessionCost, await self._operations.queries.status(caller, SessionId(session_id)))

    async def disconnect(self, caller: Calling, session_id: Id) -> answers.Disconnected:
        """End a session; a turn that runs is interrupted."""
        return picked(answers.Disconnected, await self._operations.sessions.disconnect(caller, SessionId(session_id)))

    async def interrupt(self, caller: Calling, session_id: Id, same: Repeated) -> answers.Interrupted:
        """Stop the running turn; harmless with nothing running."""
        return picked(answers.Interrupted, await self._operations.sessions.interrupt(caller, SessionId(session_id)))

    # -- messages

    async def history(
        self,
        caller: Calling,
        session_id: Id,
        limit: Annotated[Limit, Query()] = 50,
        before: Annotated[str | None, Query(min_length=1, max_length=64)] = None,
    ) -> answers.History:
        """Return the newest messages before another, oldest first."""
        found = await self._operations.queries.history(caller, SessionId(session_id), limit=limit, before=before)
        return answers.History(session_id=session_id, messages=[picked(answers.HistoryMessage, one) for one in found])

    async def send(self, caller: Calling, session_id: Id, body: Prompt, same: Repeated) -> answers.Answer:
        """Send a prompt and wait for its answer; leaving does not stop its turn."""
        asked = _asked(caller, CHANNEL, same)
        try:
            taken = await self._operations.messages.send(
                asked, SessionId(session_id), body.message, body.context, body.mode
            )
        except IdempotencyConflict:
            raise _conflict(same) from None
        return answers.answer(await self._operations.messages.answer(taken))

    async def route_conversation(
        self, request: Request, caller: Calling, body: Conversation, same: Repeated
    ) -> answers.Routed | answers.NotRouted:
        """Run a message where it is for Claude Code, or answers its question; the answer is not sent to the sender."""
        user = self._sender(caller, body.from_)
        channel = CHANNEL_NAMES.get(body.channel.lower(), body.channel.lower())
        asked = _asked(caller, channel, same)
        decision: Decision | None = None
        if answers_question(body.message):
            await refuse_agent(request)
        else:
            decision = await self._operations.messages.decide(user, channel, body.message)
        # A repetition of what was accepted before a crash is a repetition, whatever would be decided now.
        first = await self._operations.messages.earlier(caller, channel, asked.external_id)
        if decision is not None and decision.target is not Target.CLAUDE_CODE and first is None:
            return answers.NotRouted(reason=decision.reason)
        try:
            taken = await self._operations.messages.route(asked, user, body.message, decision=decision)
        except IdempotencyConflict:
            raise _conflict(same) from None
        self._operations.messages.start(taken)
        return answers.Routed(
            user_id=user.id,
            message=body.message,
            channel=body.channel,
            session_id=(first.turn.session_id if first is not None else _session_of(taken)) or "",
            message_id=taken.accepted.message_id,
        )

    async def message(self, caller: Calling, message_id: Id) -> answers.Message:
        """Return what became of an accepted message."""
        result = await self._operations.queries.result(caller, message_id)
        if result is None:
            raise MessageNotFound(message_id)
        return answers.message(result)

    # -- costs

    async def costs(
        self,
        caller: Calling,
        user_id: Annotated[Name | None, Query()] = None,
        session_id: Annotated[str | None, Query(max_length=256)] = None,
        since: Annotated[str | None, Query(min_length=10, max_length=40)] = None,
        until: Annotated[str | None, Query(min_length=10, max_length=40)] = None,
        group_by: Annotated[GroupBy | None, Query()] = None,
        limit: Annotated[Limit, Query()] = 500,
    ) -> answers.Cost:
        """Return what was spent; `since` and `until` are UTC days or times, `until` excluded."""
        event = await self._operations.queries.cost(
            caller,
            user_id=user_id,
            session_id=session_id,
            since=since,
            until=until,
            group_by=group_by,
            limit=limit,
        )
        return answers.Cost(total_usd=event.total_usd, rows=[picked(answers.CostRow, row) for row in event.rows])

    # -- health

    async def healthz(self) -> dict[str, str]:
        """Say that the process serves."""
        return {"status": "ok"}

    async def readyz(self) -> JSONResponse:
        """Say which of our own parts work; 503 where one does not."""
        parts = self._parts()
        ready = all(parts.values())
        shown = {name: "ok" if works else "failed" for name, works in parts.items()}
        return JSONResponse({"status": "ok" if ready else "failed", "parts": shown}, 200 if ready else 503)

    def _sender(self, caller: Caller, written: str) -> User:
        """Return the user behind a phone number, a mail address or a user id.

        Raises:
            UnknownSender: there is none, or the token is another user's.
        """
        user: User | None = None
        try:
            if "@" in written:
                user = self._directory.by_address(mailbox(written))
            elif written.startswith("+"):
                user = self._directory.by_address(Address(kind="sms", value=written))
            else:
                user = self._directory.user(written)
        except XswarmError:
            user = None
        if user is None or not caller.may_act_for(user.id):
            raise UnknownSender(written)
        return user


def _asked(caller: Caller, channel: str, same: Repeatable | None) -> WorkRequest:
    if same is None:
        return WorkRequest(caller=caller, channel=channel)
    return WorkRequest(caller=caller, channel=channel, external_id=same.external_id, digest=same.digest)


def _session_of(taken: Taken) -> SessionId | None:
    """Return the session that works on a message, or whose question it answers."""
    return taken.session_id or taken.decision.session_id


def _conflict(same: Repeatable | None) -> IdempotencyConflict:
    return IdempotencyConflict(same.key if same is not None else "")


def _cursor(session: Session) -> str:
    return base64.urlsafe_b64encode(f"{session.activity_ms}:{session.id}".encode()).decode().rstrip("=")


def _place(cursor: str) -> tuple[int, SessionId]:
    """Return the (activity_ms, id) in a cursor.

    Raises:
        InvalidMessage: it is none of ours.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    moment, separator, session_id = text.partition(":")
    if not separator or not (moment.isascii() and moment.isdecimal() and len(moment) < 16):
        raise InvalidMessage("cursor", "must be the next_cursor of an earlier page")
    return int(moment), SessionId(session_id)
