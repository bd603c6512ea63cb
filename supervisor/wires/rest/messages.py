"""REST: messages of a session (history, prompt and answer), and the state of one message."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Depends, Header, Query
from pydantic import AfterValidator, BaseModel
from pydantic_core import from_json
from starlette.responses import JSONResponse

from supervisor.delivery import views
from supervisor.operations.chats.reading import with_names
from supervisor.operations.messages import MessageOperations
from supervisor.operations.queries import Queries
from supervisor.protocol.errors import IdempotencyConflict, MessageNotFound
from supervisor.protocol.messages import SessionId
from supervisor.protocol.queue import Mode
from supervisor.protocol.requests import Text
from supervisor.protocol.times import rfc3339
from supervisor.protocol.values.record import record
from supervisor.store.records.result import Result
from supervisor.tools.people.book import PeopleBook
from supervisor.wires.http.auth import Calling
from supervisor.wires.http.idempotency import GivenKey
from supervisor.wires.rest.resource import (
    SESSION,
    Endpoint,
    Id,
    Limit,
    body_from,
    key_conflict,
    work_request,
)

CHANNEL = "http"
"""The channel of a prompt that came by REST to a session."""

RESPOND_ASYNC = "respond-async"
"""The preference not to wait for the end (RFC 7240 section 4.1)."""

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


def _plain_json(context: dict[str, Any]) -> dict[str, Any]:
    try:
        # Parsed as the socket parses a frame: a context that fails here could not be shown in the history.
        from_json(json.dumps(context, allow_nan=False, ensure_ascii=False).encode())
    except (ValueError, RecursionError):
        raise ValueError("must be plain JSON: no NaN, no lone surrogates, not nested too deeply") from None
    return context


Context = Annotated[dict[str, Any], AfterValidator(_plain_json)]


class Prompt(BaseModel):
    """A prompt for a session; `mode` says what it does while a turn runs, null = as configured."""

    message: Text
    context: Context | None = None
    mode: Mode | None = None


@record
class Answer:
    """Claude Code's answer to a prompt."""

    message_id: str
    content: str
    cost_usd: float | None
    timestamp: str


@record
class Acknowledged:
    """A prompt that is accepted and stored; `GET /api/messages/{message_id}` tells what becomes of it."""

    message_id: str


async def _preferred(
    prefer: Annotated[
        list[str] | None,
        Header(description="`respond-async` (RFC 7240): answer 202 once the message is stored, without its answer."),
    ] = None,
) -> bool:
    return responds_async(prefer or ())


RespondAsync = Annotated[bool, Depends(_preferred)]
"""A parameter of a route: whether the client prefers not to wait for the end."""


@record
class HistoryMessage:
    """A stored message of a session; `user_id` is its writer, null for an answer.

    If `truncated`, the message is cut at 512 KiB, and a context over 250 kB is null; `characters` is the whole length.
    `GET /api/messages/{message_id}` has the whole text.
    """

    id: str
    direction: str
    message: str
    timestamp: str
    cost_usd: float | None
    status: str
    context: Mapping[str, Any] | None
    user_id: str | None
    characters: int | None = None
    truncated: bool = False


@record
class History:
    """Messages of a session, oldest first.

    A page holds at most 1 MB. If `truncated`, older messages did not fit: pass the first id as `before` to get them.
    """

    session_id: str
    messages: Sequence[HistoryMessage]
    truncated: bool


@record
class Message:
    """An accepted message: where it was routed, the state of its turn, its answer.

    Attributes:
        error: why the turn failed; empty if it completed or has not ended.
        cost_usd: null if nothing of it has a known price.
    """

    message_id: str
    state: str
    target: str
    reason: str
    user_id: str
    session_id: str | None
    channel: str
    message: str
    answer: str
    error: str
    stop_reason: str
    cost_usd: float | None
    usage: Mapping[str, int]
    duration_ms: int
    accepted_at: str
    ended_at: str | None


class MessageRoutes:
    """The routes of messages.

    Args:
        people: whom models know by references, and their person by names.
    """

    def __init__(self, messages: MessageOperations, queries: Queries, people: PeopleBook) -> None:
        self._messages = messages
        self._queries = queries
        self._people = people

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("GET", f"{SESSION}/messages", self.history),
            Endpoint("POST", f"{SESSION}/messages", self.send, bodies={200: Answer, 202: Acknowledged}),
            Endpoint("GET", "/api/messages/{message_id}", self.message),
        ]

    async def history(
        self,
        caller: Calling,
        session_id: Id,
        limit: Annotated[Limit, Query()] = 50,
        before: Annotated[str | None, Query(min_length=1, max_length=64)] = None,
    ) -> History:
        """Return the newest messages before another, oldest first."""
        found = await self._queries.history(caller, SessionId(session_id), limit=limit, before=before)
        session = await self._queries.session(caller, SessionId(session_id))
        read = await with_names(found.messages, session, caller, self._people)
        messages = [body_from(HistoryMessage, stored) for stored in read]
        return History(session_id=session_id, messages=messages, truncated=found.truncated is True)

    async def send(
        self, caller: Calling, session_id: Id, body: Prompt, key: GivenKey, respond_async: RespondAsync
    ) -> Answer | JSONResponse:
        """Send a prompt and wait for its answer; the turn goes on if the client disconnects.

        With `Prefer: respond-async` it does not wait: the answer is 202 with the id of the message.
        """
        request = work_request(caller, CHANNEL, key)
        try:
            taken = await self._messages.send(request, SessionId(session_id), body.message, body.context, body.mode)
        except IdempotencyConflict:
            raise key_conflict(key) from None
        if respond_async:
            self._messages.start(taken)
            return JSONResponse(asdict(Acknowledged(message_id=taken.accepted.message_id)), 202)
        return answer_body(await self._messages.answer(taken))

    async def message(self, caller: Calling, message_id: Id) -> Message:
        """Return the state of an accepted message."""
        result = await self._queries.result(caller, message_id)
        if result is None:
            raise MessageNotFound(message_id)
        return message_body(result)


def responds_async(prefer: Sequence[str]) -> bool:
    """Return whether one of the Prefer headers of a request names `respond-async`; what else they say is ignored."""
    preferences = (one for value in prefer for one in _QUOTED.sub("", value).split(","))
    return any(one.partition(";")[0].strip().rstrip(" =").lower() == RESPOND_ASYNC for one in preferences)


def answer_body(result: Result) -> Answer:
    """Return a completed turn as the answer to its prompt."""
    return Answer(
        message_id=result.turn.message_id,
        content=result.answer,
        cost_usd=views.cost_usd(result),
        timestamp=rfc3339(result.ended_ms if result.ended_ms is not None else result.turn.accepted_ms),
    )


def message_body(result: Result) -> Message:
    """Return a message with the state of its turn."""
    turn = result.turn
    return Message(
        message_id=turn.message_id,
        state=result.state.value,
        target=turn.target.value,
        reason=turn.reason,
        user_id=turn.user_id,
        session_id=turn.session_id,
        channel=turn.channel,
        message=turn.text,
        answer=result.answer,
        error=result.why,
        stop_reason=result.stop_reason,
        cost_usd=views.cost_usd(result),
        usage=views.usage(result.tokens),
        duration_ms=result.duration_ms,
        accepted_at=rfc3339(turn.accepted_ms),
        ended_at=rfc3339(result.ended_ms) if result.ended_ms is not None else None,
    )
