"""What a request may use of the connection that it came by."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol
from weakref import WeakValueDictionary

from supervisor.people.identity import Caller
from supervisor.protocol.events import AnyEvent
from supervisor.protocol.messages import SessionId


class RequestOrder:
    """Locks that make the requests of one connection begin in the order of arrival; they may end in any order.

    Attributes:
        accepting: held while a message is accepted: one at a time, because routing decides about its session.
    """

    def __init__(self) -> None:
        self.accepting = asyncio.Lock()
        self._sessions: WeakValueDictionary[SessionId, asyncio.Lock] = WeakValueDictionary()
        self._last: asyncio.Lock | None = None  # keeps the lock alive for a client that uses one session

    def session(self, session_id: SessionId) -> asyncio.Lock:
        """Return the lock held while a session is connected, ended, or given a message; it is fair."""
        lock = self._sessions.get(session_id)
        if lock is None:
            lock = self._sessions.setdefault(session_id, asyncio.Lock())
        self._last = lock
        return lock


class Client(Protocol):
    """One authenticated connection.

    Attributes:
        notices: whether it asked for notices when it authenticated.
    """

    notices: bool

    @property
    def order(self) -> RequestOrder:
        """The order in which its requests begin."""

    async def write(self, event: AnyEvent, request_id: str | None) -> None:
        """Send an event and return when it is written to the socket.

        Raises:
            ClientGone: it was not written.
        """

    async def refuse_agents(self) -> None:
        """Return if the process at the other end is not an agent.

        Raises:
            NotAllowed: it is an agent, or a descendant of one.
        """

    def subscribe(self, caller: Caller, topics: Iterable[str]) -> list[str]:
        """Deliver the events of some topics from now on; return all topics of this connection.

        The dispatcher has checked that the caller may subscribe to these topics.

        Raises:
            NotAuthenticated: the connection has meanwhile authenticated as another caller.
        """

    def unsubscribe(self, topics: Iterable[str]) -> None:
        """Stop delivering the events of some topics."""
