"""The web socket `/api/live`: says which lists have changed; what they hold is asked for by REST, with its rights.

Administrators and operators are told of every commit, all others of what is published to themselves.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from supervisor.approvals.approvers import own_topic
from supervisor.delivery.hub import Hub
from supervisor.people.authentication import Authenticator
from supervisor.people.identity import Caller, Directory
from supervisor.protocol.errors import NotAuthenticated
from supervisor.protocol.events import AnyEvent
from supervisor.store.committed import Committed
from supervisor.wires.chat.handshake import INVALID, Refusal, identify, presented
from supervisor.wires.http.cookies import Cookies
from supervisor.wires.live.kinds import Kind, may_know, of_commit, of_event

logger = logging.getLogger(__name__)

PATH = "/api/live"

PAUSE_SECONDS = 0.05
"""Least time between two frames to one client, in seconds: what changes meanwhile is told together."""

CHECK_SECONDS = 2.0
"""Interval of the check for revoked tokens and ended sessions, in seconds."""

ALIVE_CHECKS = 5
"""After so many checks without a frame an empty one is sent, so that a page notices a dead connection."""

MAX_CONNECTIONS = 500
"""Most open connections of the whole daemon; one more is asked to come back later."""

WRITE_SECONDS = 10.0
"""How long a client may take to read a frame, in seconds."""

BUSY = Refusal(1008, "too many connections")


class LiveSocket:
    """Serves the path.

    Args:
        cookies: where the cookie of a person who signed in counts.
        pause_seconds, check_seconds: see `PAUSE_SECONDS`, `CHECK_SECONDS`.
    """

    def __init__(
        self,
        hub: Hub,
        directory: Directory,
        authenticator: Authenticator,
        cookies: Cookies,
        *,
        pause_seconds: float = PAUSE_SECONDS,
        check_seconds: float = CHECK_SECONDS,
    ) -> None:
        self._hub = hub
        self._directory = directory
        self._authenticator = authenticator
        self._cookies = cookies
        self._pause_seconds = pause_seconds
        self._check_seconds = check_seconds
        self._clients: set[_Client] = set()

    def routes(self) -> list[WebSocketRoute]:
        """Return the route of the socket."""
        return [WebSocketRoute(PATH, self.serve)]

    def committed(self, committed: Committed) -> None:
        """Note what a group of commits changed; each client is told what they may know."""
        if not self._clients:
            return
        kinds = of_commit(committed)
        for client in self._clients if kinds else ():
            client.note(may_know(client.caller, self._directory, kinds))

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection from handshake to close."""
        given = presented(socket, self._cookies)
        caller: Caller | None = None
        with suppress(NotAuthenticated):
            if given.in_cookie or not given.in_url:  # a token in a URL counts for no page
                caller = await identify(given, self._authenticator, query_token_seconds=0.0)
        await socket.accept(subprotocol=given.subprotocol)
        if caller is None or caller.user_id is None:
            await _close(socket, INVALID)
            return
        if len(self._clients) >= MAX_CONNECTIONS:
            await _close(socket, BUSY)
            return
        client = _Client(caller)
        # Not every change of a session has a write with a name; who oversees is told of commits for all the rest.
        others = ("sessions",) if self._directory.oversees(caller) else (f"user:{caller.user_id}", "agents")
        topics = (own_topic(caller.user_id), *others)
        self._clients.add(client)
        for topic in topics:
            self._hub.subscribe(topic, client.published)
        reading = asyncio.create_task(_until_disconnect(socket), name="read a live client")
        telling = asyncio.create_task(self._tell(socket, client), name="tell a live client")
        try:
            await asyncio.wait([reading, telling], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._clients.discard(client)
            for topic in topics:
                self._hub.unsubscribe(topic, client.published)
            for task in (reading, telling):
                task.cancel()
            await asyncio.gather(reading, telling, return_exceptions=True)

    async def _tell(self, socket: WebSocket, client: _Client) -> None:
        """Send what changes until the client leaves, does not read, or may no longer know."""
        await self._send(socket, {"type": "ready"})
        silent = 0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._check_seconds):
                    await client.changed.wait()
            if not self._directory.still_valid(client.caller):
                await _close(socket, INVALID)
                return
            kinds = client.take()
            silent = 0 if kinds else silent + 1
            if kinds or silent >= ALIVE_CHECKS:
                silent = 0
                await self._send(socket, {"type": "changed", "kinds": sorted(kinds)})
                await asyncio.sleep(self._pause_seconds)

    async def _send(self, socket: WebSocket, frame: dict[str, Any]) -> None:
        async with asyncio.timeout(WRITE_SECONDS):
            await socket.send_json(frame)


class _Client:
    """What one client has not been told yet; it never grows beyond the number of kinds."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.changed = asyncio.Event()
        self._kinds: set[Kind] = set()

    def note(self, kinds: Iterable[Kind]) -> None:
        """Note changes."""
        self._kinds.update(kinds)
        if self._kinds:
            self.changed.set()

    def published(self, event: AnyEvent) -> None:
        """Note what an event of the hub changes."""
        self.note(of_event(event, self.caller))

    def take(self) -> set[Kind]:
        """Return the changes, and begin anew."""
        kinds, self._kinds = self._kinds, set()
        self.changed.clear()
        return kinds


async def _until_disconnect(socket: WebSocket) -> None:
    """Read and ignore what a client sends; return when it leaves."""
    with suppress(WebSocketDisconnect):
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass


async def _close(socket: WebSocket, why: Refusal) -> None:
    with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
        async with asyncio.timeout(WRITE_SECONDS):
            await socket.close(why.code, why.reason)
