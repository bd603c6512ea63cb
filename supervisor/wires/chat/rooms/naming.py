"""Answers as their person reads them: names in the place of references, also where one comes in two pieces. No I/O."""

from __future__ import annotations

import re
from dataclasses import replace

from supervisor.protocol.events import ClaudeCodeTool
from supervisor.protocol.messages import SessionId
from supervisor.tools.people.book import Circle, PeopleBook
from supervisor.tools.people.people import People

LONGEST = 64
"""Characters of the longest reference behind its prefix."""

_BEGUN = re.compile(rf"(?<![0-9A-Za-z_-])e(?:n(?:t(?:i(?:t(?:y(?:-[0-9A-Za-z_-]{{0,{LONGEST}}})?)?)?)?)?)?\Z")
"""The end of a text that may be the beginning of a reference."""


class Naming:
    """The answers of one chat while they arrive.

    What may be the beginning of a reference is held back until the next piece, and nothing else.
    """

    def __init__(self, session_id: SessionId, book: PeopleBook) -> None:
        self._session_id = session_id
        self._book = book
        self._own: Circle | None = None  # held, so that all turns of the chat use the same
        self._pieces: dict[str, _Pieces] = {}

    async def load(self) -> None:
        """Read the people of the chat.

        Raises:
            StorageError: they cannot be read.
        """
        self._own = await self._book.of(self._session_id)

    def piece(self, message_id: str, scope: str, text: str) -> str:
        """Return what goes out when the next piece of an answer has come.

        Args:
            scope: the session that answers.
        """
        people = self._book.at_work(scope)
        pieces = self._pieces.setdefault(message_id, _Pieces())
        return pieces.take(text, people) if people is not None and people else pieces.release() + text

    def rest(self, message_id: str, scope: str = "") -> str:
        """Return what is held back of an answer: something else than text follows."""
        pieces = self._pieces.pop(message_id, None)
        return self.whole(scope, pieces.release()) if pieces is not None else ""

    def call(self, event: ClaudeCodeTool) -> ClaudeCodeTool:
        """Return a tool call that has begun or ended, with names in its input and its result."""
        people = self._book.at_work(event.session_id)
        if people is None or not people:
            return event
        return replace(event, input=people.read_in(event.input), result=people.read_in(event.result))

    def whole(self, scope: str, text: str) -> str:
        """Return a text that is complete."""
        people = self._book.at_work(scope or self._session_id)
        return people.read(text) if people is not None else text


class _Pieces:
    """The pieces of one answer.

    Attributes:
        held: what may be the beginning of a reference.
        before: the character before it.
    """

    __slots__ = ("before", "held")

    def __init__(self) -> None:
        self.held = self.before = ""

    def take(self, text: str, people: People) -> str:
        found = self.before + self.held + text
        begun = _BEGUN.search(found, max(len(self.before), len(found) - LONGEST - 8))
        end = begun.start() if begun is not None else len(found)
        read = people.read(found[:end], len(self.before))
        self.before, self.held = found[end - 1 : end], found[end:]
        return read

    def release(self) -> str:
        """Return what is held back, as it came."""
        held, self.held = self.held, ""
        self.before = held[-1:] or self.before
        return held
