"""Search in the conversations that a person may read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from supervisor.operations.chats.counting import whole
from supervisor.people.projects import Projects
from supervisor.store.ports.sessions import ChatStore, SearchStore
from supervisor.store.records.accounts import User
from supervisor.store.records.chat import Found
from supervisor.store.records.session import Session
from supervisor.tools.people.book import PeopleBook


class SearchOperations:
    """Finds words in a person's own conversations, and in those that are shared with them.

    Args:
        people: whom models know by references, and their person by names.
    """

    def __init__(self, search: SearchStore, chats: ChatStore, projects: Projects, people: PeopleBook) -> None:
        self._search = search
        self._chats = chats
        self._projects = projects
        self._people = people

    async def exchanges(self, user: User, words: str, *, limit: int) -> Sequence[Found]:
        """Return the newest exchanges in which all words occur; an answer that still runs is not among them."""
        found = await self._search.find(user.id, words, shared=self._projects.shared_with(user), limit=limit)
        return [await self._read(user, one) for one in found]

    async def _read(self, user: User, found: Found) -> Found:
        """Return an exchange as its person reads it; in an answer to somebody else references stay."""
        if found.role == "user" or found.session_id is None or found.user_id != user.id:
            return found
        people = (await self._people.of(found.session_id)).people
        return replace(found, excerpt=[replace(part, text=people.read(part.text)) for part in found.excerpt])

    async def titles(self, user: User, words: str, *, limit: int) -> Sequence[Session]:
        """Return the chats of a user whose titles have all words, newest activity first."""
        return await whole(self._chats, await self._search.titles(user.id, words, limit=limit))
