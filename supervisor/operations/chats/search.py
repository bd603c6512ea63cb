"""Search in the conversations that a person may read."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.people.projects import Projects
from supervisor.store.ports.sessions import SearchStore
from supervisor.store.records.accounts import User
from supervisor.store.records.chat import Found
from supervisor.store.records.session import Session


class SearchOperations:
    """Finds words in a person's own conversations, and in those that are shared with them."""

    def __init__(self, search: SearchStore, projects: Projects) -> None:
        self._search = search
        self._projects = projects

    async def exchanges(self, user: User, words: str, *, limit: int) -> Sequence[Found]:
        """Return the newest exchanges in which all words occur; an answer that still runs is not among them."""
        return await self._search.find(user.id, words, shared=self._projects.shared_with(user), limit=limit)

    async def titles(self, user: User, words: str, *, limit: int) -> Sequence[Session]:
        """Return the chats of a user whose titles have all words, newest activity first."""
        return await self._search.titles(user.id, words, limit=limit)
