"""REST beside the chat: search in what was said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query

from supervisor.operations.chats.search import SearchOperations
from supervisor.people.identity import Directory
from supervisor.protocol.limits import Between, Length
from supervisor.protocol.times import rfc3339
from supervisor.protocol.values.record import record
from supervisor.store.records.chat import Found
from supervisor.wires.chat.handshake import person
from supervisor.wires.chat.routes import ChatSession, shown
from supervisor.wires.http.auth import Calling
from supervisor.wires.rest.resource import Endpoint

MAX_QUERY = 200
"""Characters of the longest query."""


@record
class Excerpt:
    """A piece of a text; `found` = it is one of the words that were looked for."""

    text: str
    found: bool


@record
class FoundMessage:
    """An exchange in which all words occur.

    Attributes:
        session_id: empty = a text or mail to the assistant, which belongs to no session.
        kind: `chat`, `claude_code` or empty.
        role: whether the excerpt is of the message or of its answer.
    """

    session_id: str
    kind: str
    title: str
    project: str
    channel: str
    message_id: str
    user_id: str
    role: str
    excerpt: Sequence[Excerpt]
    timestamp: str


@record
class SearchResults:
    """Chats whose titles have the words, and exchanges that have them; both newest first."""

    sessions: Sequence[ChatSession]
    messages: Sequence[FoundMessage]


class SearchRoutes:
    """The route of the search; it takes the token of a person who may chat."""

    def __init__(self, search: SearchOperations, directory: Directory) -> None:
        self._search = search
        self._directory = directory

    def endpoints(self) -> list[Endpoint]:
        """Return the route below a prefix."""
        return [Endpoint("GET", "/search", self.search)]

    async def search(
        self,
        caller: Calling,
        q: Annotated[str, Length(1, MAX_QUERY), Query()],
        limit: Annotated[int, Between(1, 100), Query()] = 30,
    ) -> SearchResults:
        """Find words in the caller's own conversations and in sessions that are shared with them."""
        user = person(caller, self._directory)
        return SearchResults(
            sessions=[shown(one) for one in await self._search.titles(user, q, limit=limit)],
            messages=[_message(one) for one in await self._search.exchanges(user, q, limit=limit)],
        )


def _message(found: Found) -> FoundMessage:
    return FoundMessage(
        session_id=found.session_id or "",
        kind=found.kind.value if found.kind is not None else "",
        title=found.title,
        project=found.project,
        channel=found.channel,
        message_id=found.message_id,
        user_id=found.user_id,
        role=found.role,
        excerpt=[Excerpt(text=part.text, found=part.found) for part in found.excerpt],
        timestamp=rfc3339(found.accepted_ms),
    )
