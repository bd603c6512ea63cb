"""The web socket `/api/live`: says which lists have changed; what they hold is asked for by REST, with its rights.

Administrators and operators are told of every commit, all others of what is published to themselves. A page that shows
a session of Claude Code says so (`watch`), and is told who else looks at it or writes in it, and how its answer grows.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from contextlib import suppress
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from supervisor.approvals.approvers import own_topic
from supervisor.delivery.hub import Hub
from supervisor.operations.chats.reading import reads_names
from supervisor.operations.queries import Queries
from supervisor.people.authentication import Authenticator
from supervisor.people.identity import Caller, Directory
from supervisor.protocol.errors import NotAuthenticated, StorageError, XswarmError
from supervisor.protocol.messages import SessionId
from supervisor.protocol.requests import SESSION_ID
from supervisor.store.committed import Committed
from supervisor.tools.people.book import PeopleBook
from supervisor.wires.chat.handshake import INVALID, Refusal, identify, presented
from supervisor.wires.chat.rooms.naming import Naming
from supervisor.wires.http.auth import visitor_of
from supervisor.wires.http.cookies import Cookies
from supervisor.wires.live.client import LiveClient
from supervisor.wires.live.kinds import Kind, may_know, of_commit
from supervisor.wires.live.watching import Watching

logger = logging.getLogger(__name__)

PATH = "/api/live"

PAUSE_SECONDS = 0.05
"""Least time between two frames to one client, and of one, in seconds: what changes meanwhile is told together."""

CHECK_SECONDS = 2.0
"""Interval of the check for revoked tokens and ended sessions, in seconds."""

ALIVE_CHECKS = 5
"""After so many checks without a frame an empty one is sent, so that a page notices a dead connection."""

MAX_CONNECTIONS = 500
"""Most open connections of the whole daemon; one more is asked to come back later."""

WRITE_SECONDS = 10.0
"""How long a client may take to read a frame, in seconds."""

MOST_CHARACTERS = 1_000
"""The longest frame of a client, in characters; a longer one is ignored."""

BUSY = Refusal(1008, "too many connections")
NOT_NOW = Refusal(1013, "the database does not answer")


class LiveSocket:
    """Serves the path.

    Args:
        queries: says which sessions a page may show.
        people: whom models know by references, and their person by names.
        cookies: where the cookie of a person who signed in counts.
        pause_seconds, check_seconds: see `PAUSE_SECONDS`, `CHECK_SECONDS`.
    """

    def __init__(
        self,
        hub: Hub,
        queries: Queries,
        people: PeopleBook,
        directory: Directory,
        authenticator: Authenticator,
        cookies: Cookies,
        *,
        pause_seconds: float = PAUSE_SECONDS,
        check_seconds: float = CHECK_SECONDS,
    ) -> None:
        self._hub = hub
        self._queries = queries
        self._people = people
        self._directory = directory
        self._authenticator = authenticator
        self._cookies = cookies
        self._pause_seconds = pause_seconds
        self._check_seconds = check_seconds
        self._clients: set[LiveClient] = set()
        self._watching = Watching()

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
        try:
            if given.in_cookie or not given.in_url:  # a token in a URL counts for no page
                caller = await identify(given, self._authenticator, query_token_seconds=0.0)
        except NotAuthenticated:
            if given.is_token:
                await self._authenticator.refused("live", visitor_of(socket.scope))
        await socket.accept(subprotocol=given.subprotocol)
        if caller is None or caller.user_id is None:
            await _close(socket, INVALID)
            return
        if len(self._clients) >= MAX_CONNECTIONS:
            await _close(socket, BUSY)
            return
        client = LiveClient(caller, caller.user_id)
        # Not every change of a session has a write with a name; who oversees is told of commits for all the rest.
        others = ("sessions",) if self._directory.oversees(caller) else (f"user:{caller.user_id}", "agents")
        topics = (own_topic(caller.user_id), *others)
        self._clients.add(client)
        for topic in topics:
            self._hub.subscribe(topic, client.published)
        reading = asyncio.create_task(self._read(socket, client), name="read a live client")
        telling = asyncio.create_task(self._tell(socket, client), name="tell a live client")
        try:
            await asyncio.wait([reading, telling], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._clients.discard(client)
            self._forget_session(client)
            for topic in topics:
                self._hub.unsubscribe(topic, client.published)
            for task in (reading, telling):
                task.cancel()
            await asyncio.gather(reading, telling, return_exceptions=True)

    async def _tell(self, socket: WebSocket, client: LiveClient) -> None:
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
            if client.session is not None and not self._queries.may_see(client.caller, client.session):
                self._forget_session(client)
                client.note([Kind.TRANSCRIPT])  # the page reads it again, and is refused
            self._watching.look()
            kinds, frames = client.take()
            for frame in frames:
                await self._send(socket, frame)
            silent = 0 if kinds or frames else silent + 1
            if kinds or silent >= ALIVE_CHECKS:
                silent = 0
                await self._send(socket, {"type": "changed", "kinds": sorted(kinds)})
            if silent == 0:
                await asyncio.sleep(self._pause_seconds)

    async def _read(self, socket: WebSocket, client: LiveClient) -> None:
        """Take what a client sends until it leaves, at a pace; what is no frame of ours is ignored."""
        with suppress(WebSocketDisconnect):
            while (message := await socket.receive())["type"] != "websocket.disconnect":
                frame = _decoded(message.get("text"))
                match frame.get("type"):
                    case "watch":
                        try:
                            await self._watch(client, frame.get("session_id"))
                        except StorageError as error:
                            logger.warning("%s: a session could not be shown: %s", client.caller.name, error)
                            await _close(socket, NOT_NOW)  # the page connects again, and asks again
                            return
                    case "typing":
                        self._watching.types(client)
                    case "wrote":
                        self._watching.wrote(client)
                    case _:
                        pass
                await asyncio.sleep(self._pause_seconds)

    async def _watch(self, client: LiveClient, session_id: object) -> None:
        """Let a page show a session; an id that the person may not read changes nothing for anybody else.

        Raises:
            StorageError: whether they may read it could not be read.
        """
        self._forget_session(client)
        if not isinstance(session_id, str) or not re.fullmatch(SESSION_ID.strip("^$"), session_id):
            return
        if not self._directory.still_valid(client.caller):
            return
        try:
            session = await self._queries.session(client.caller, SessionId(session_id))
            naming = Naming(session.id, self._people) if reads_names(client.caller, session) else None
            if naming is not None:
                await naming.load()
        except StorageError:
            raise
        except XswarmError:
            return
        client.session, client.naming = session, naming
        self._hub.subscribe(f"session:{session.id}", client.happened)
        if (running := self._queries.answering(session.id)) is not None:
            client.begin(*running)
        self._watching.enter(client, session.id)
        client.note([Kind.TRANSCRIPT])  # what was said after the page has read it, and before now

    def _forget_session(self, client: LiveClient) -> None:
        if client.session is not None:
            self._hub.unsubscribe(f"session:{client.session.id}", client.happened)
        self._watching.leave(client)
        client.forget_session()

    async def _send(self, socket: WebSocket, frame: dict[str, Any]) -> None:
        async with asyncio.timeout(WRITE_SECONDS):
            await socket.send_json(frame)


def _decoded(text: object) -> dict[str, Any]:
    """Return a frame of a client; empty = it is none."""
    if not isinstance(text, str) or len(text) > MOST_CHARACTERS:
        return {}
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return frame if isinstance(frame, dict) else {}


async def _close(socket: WebSocket, why: Refusal) -> None:
    with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
        async with asyncio.timeout(WRITE_SECONDS):
            await socket.close(why.code, why.reason)
