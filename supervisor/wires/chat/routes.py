"""REST beside the chat: list the chats of a person, read, rename and delete one (docs/chat.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel

from supervisor.operations.chats.chats import ChatOperations
from supervisor.people.identity import Directory
from supervisor.protocol.limits import Between, Length, Shaped
from supervisor.protocol.messages import MessageId, SessionId
from supervisor.protocol.times import rfc3339, usd
from supervisor.protocol.values.record import record
from supervisor.store.records.session import Session
from supervisor.wires.chat import views
from supervisor.wires.chat.frames import HISTORY_MESSAGES, HistoryItem
from supervisor.wires.chat.handshake import person
from supervisor.wires.http.auth import Calling
from supervisor.wires.rest.resource import Endpoint, Id, Limit
from supervisor.wires.rest.sessions import CURSOR, decode_cursor, encode_cursor

MAX_TITLE = 200
"""Characters of the longest title."""


class NewTitle(BaseModel):
    """What a chat is called from now on."""

    title: Annotated[str, Length(1, MAX_TITLE)]


@record
class ChatSession:
    """A chat. `message_count` counts what the person wrote."""

    session_id: str
    title: str
    message_count: int
    created_at: str
    last_activity: str
    cost_usd: float


@record
class ChatSessions:
    """The chats of a person, newest activity first; `next_cursor` is null on the last page."""

    sessions: Sequence[ChatSession]
    next_cursor: str | None


@record
class ChatHistoryMessage:
    """A message of a chat. `interrupted` = the person stopped the answer; `content` is what was written until then."""

    id: str
    role: Literal["user", "assistant"]
    content: str
    timestamp: str
    status: str
    interrupted: bool
    cost_usd: float | None
    tool_calls: Sequence[Mapping[str, Any]]
    artifacts: Sequence[Mapping[str, Any]]


@record
class ChatHistory:
    """The messages of a chat, oldest first; the newest ones where not all fit.

    Attributes:
        earlier: whether the chat has messages before the first one; `before` with its id asks for them.
    """

    session_id: str
    messages: Sequence[ChatHistoryMessage]
    earlier: bool


class ChatRoutes:
    """The routes; they take the token of a person who may chat."""

    def __init__(self, chats: ChatOperations, directory: Directory) -> None:
        self._chats = chats
        self._directory = directory

    def endpoints(self) -> list[Endpoint]:
        """Return the routes below a prefix."""
        return [
            Endpoint("GET", "/sessions", self.list_chats),
            Endpoint("GET", "/sessions/{session_id}", self.chat),
            Endpoint("GET", "/sessions/{session_id}/history", self.history),
            Endpoint("PATCH", "/sessions/{session_id}", self.rename),
            Endpoint("DELETE", "/sessions/{session_id}", self.delete, 204),
        ]

    async def list_chats(
        self,
        caller: Calling,
        limit: Annotated[Limit, Query()] = 100,
        cursor: Annotated[str | None, Query(max_length=256), Shaped(CURSOR)] = None,
    ) -> ChatSessions:
        """Return the chats of the caller, newest activity first."""
        before = decode_cursor(cursor) if cursor is not None else None
        found = await self._chats.list(person(caller, self._directory), limit=limit, before=before)
        last = found[-1] if len(found) == limit else None
        return ChatSessions(
            sessions=[shown(session) for session in found],
            next_cursor=encode_cursor(last.activity_ms, last.id) if last is not None else None,
        )

    async def chat(self, caller: Calling, session_id: Id) -> ChatHistory:
        """Return the newest messages of a chat."""
        return await self.history(caller, session_id)

    async def history(
        self,
        caller: Calling,
        session_id: Id,
        limit: Annotated[int, Between(1, HISTORY_MESSAGES), Query()] = HISTORY_MESSAGES,
        before: Annotated[str | None, Length(1, 128), Query()] = None,
    ) -> ChatHistory:
        """Return messages of a chat; `limit` counts what the person wrote."""
        user = person(caller, self._directory)
        first = MessageId(before) if before is not None else None
        found = await self._chats.history(user, SessionId(session_id), limit=limit + 1, before=first)
        page = views.history(found, limit=limit)
        return ChatHistory(
            session_id=session_id, messages=[_message(one) for one in page.messages], earlier=page.earlier
        )

    async def rename(self, caller: Calling, session_id: Id, body: NewTitle) -> ChatSession:
        """Give a chat a title."""
        user = person(caller, self._directory)
        return shown(await self._chats.rename(user, SessionId(session_id), body.title))

    async def delete(self, caller: Calling, session_id: Id) -> None:
        """Stop what runs in a chat, and delete it."""
        await self._chats.delete(person(caller, self._directory), SessionId(session_id))


def shown(session: Session) -> ChatSession:
    """Return a chat as a list shows it."""
    return ChatSession(
        session_id=session.id,
        title=session.title,
        message_count=session.message_count,
        created_at=rfc3339(session.started_ms),
        last_activity=rfc3339(session.activity_ms),
        cost_usd=usd(session.cost_nanos),
    )


def _message(item: HistoryItem) -> ChatHistoryMessage:
    return ChatHistoryMessage(
        id=item.id,
        role=item.role,
        content=item.content,
        timestamp=item.timestamp,
        status=item.status if isinstance(item.status, str) else "",
        interrupted=item.interrupted is True,
        cost_usd=item.cost_usd if isinstance(item.cost_usd, float | int) else None,
        tool_calls=item.tool_calls if isinstance(item.tool_calls, Sequence) else (),
        artifacts=item.artifacts if isinstance(item.artifacts, Sequence) else (),
    )
