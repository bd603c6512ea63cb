"""What a request may know of the connection that it came by."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol
from weakref import WeakValueDictionary

from supervisor.people.identity import Caller
from supervisor.protocol.events import AnyEvent
from supervisor.protocol.messages import SessionId


class Order:
    """Lets requests begin in the order they came in; their ends may come in any order.

    Attributes:
        accepting: held while a message is accepted: one at a time, whatever session it turns out to be for.
    """

    def __init__(self) -> None:
        self.accepting = asyncio.Lock()
        self._sessions: WeakValueDictionary[SessionId, asyncio.Lock] = WeakValueDictionary()
        self._last: asyncio.Lock | None = None  # kept from being made anew by a client that has one session

    def session(self, session_id: SessionId) -> asyncio.Lock:
        """Return what is held while a session is connected, ended, or given a message; waiters get it in turn."""
        lock = self._sessions.get(session_id)
        if lock is None:
            lock = self._sessions.setdefault(session_id, asyncio.Lock())
        self._last = lock
        return lock


class Client(Protocol):
    """One authenticated connection."""

    @property
    def order(self) -> Order:
        """The order in which its requests begin."""

    async def write(self, event: AnyEvent, request_id: str | None) -> None:
        """Send an event and return when it is written to the socket.

        Raises:
            Gone: it was not.
        """

    async def refuse_agents(self) -> None:
        """Return where the process at its other end is no agent.

        Raises:
            NotAllowed: it is one, or descends from one.
        """

    def subscribe(self, caller: Caller, topics: Iterable[str]) -> list[str]:
        """Deliver the events of some topics, which a caller may hear, from now on; return all topics subscribed to.

        Raises:
            NotAuthenticated: somebody else calls by now.
        """

    def unsubscribe(self, topics: Iterable[str]) -> None:
        """Stop delivering the events of some topics."""
