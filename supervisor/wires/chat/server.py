"""The web socket of the chat on its two paths: handshake, connections, and the watch over their tokens."""

from __future__ import annotations

import asyncio
import logging
import re
from contextlib import suppress
from dataclasses import replace

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from supervisor.operations.api import Api
from supervisor.people.authentication import Authenticator
from supervisor.people.identity import Caller
from supervisor.protocol.errors import NotAuthenticated, StorageError
from supervisor.protocol.messages import SessionId
from supervisor.protocol.requests import SESSION_ID
from supervisor.wires.chat.connection import HOLD_SECONDS, ChatConnection, ChatState
from supervisor.wires.chat.handshake import INVALID, Refusal, identify, presented, standing
from supervisor.wires.chat.rooms.registry import Rooms
from supervisor.wires.chat.rooms.services import RoomServices
from supervisor.wires.http.auth import source, visitor_of
from supervisor.wires.http.connections import WIRE
from supervisor.wires.http.cookies import Cookies

logger = logging.getLogger(__name__)

PREFIXES = ("/api/claude-chat", "/api/v1/claude-chat")
"""Where the chat is served; clients of the second one are older."""

CHECK_SECONDS = 2.0
"""Interval of the check for revoked tokens, removed users and changed roles, in seconds: at most 5 s may pass."""

MAX_CONNECTIONS = 2_000
"""Most open chats of the whole daemon; one more is asked to come back later."""

BUSY = Refusal(1008, "too many connections")
NOT_NOW = Refusal(1013, "the database does not answer")

REFUSE_SECONDS = 5.0
"""How long a refused client gets to read why, in seconds."""


class ChatSocket:
    """Serves the chat. Call start and aclose.

    Args:
        query_token_seconds: longest lifetime of a token in the URL, in seconds.
        cookies: where the cookie of a person who signed in counts; None = nowhere.
        check_seconds: see `CHECK_SECONDS`.
        hold_seconds: see `HOLD_SECONDS`.
        max_connections: see `MAX_CONNECTIONS`.
    """

    def __init__(
        self,
        api: Api,
        authenticator: Authenticator,
        *,
        query_token_seconds: float,
        cookies: Cookies | None = None,
        check_seconds: float = CHECK_SECONDS,
        hold_seconds: float = HOLD_SECONDS,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self._directory = api.directory
        self._authenticator = authenticator
        self._query_token_seconds = query_token_seconds
        self._cookies = cookies
        self._check_seconds = check_seconds
        self._max_connections = max_connections
        self._services = RoomServices(
            chats=api.chat, approvals=api.approvals, hub=api.hub, directory=api.directory, people=api.chat.people
        )
        self.rooms = Rooms(self._services, epoch=api.database.epoch)
        self._state = ChatState(rooms=self.rooms, directory=api.directory, hold_seconds=hold_seconds)
        self._connections: set[ChatConnection] = set()
        self._watch: asyncio.Task[None] | None = None

    def routes(self) -> list[WebSocketRoute]:
        """Return the routes of the sockets."""
        return [WebSocketRoute(f"{prefix}/ws", self.serve) for prefix in PREFIXES]

    def start(self) -> None:
        """Watch over tokens and rooms."""
        self._watch = asyncio.create_task(self._look(), name="watch the chats")

    async def aclose(self) -> None:
        """Stop watching, and end what rooms do in the background; the connections are closed by the server."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        self.rooms.close()
        await self._services.tasks.aclose(0)

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection from handshake to close."""
        given = presented(socket, self._cookies)
        refusal: Refusal | None
        caller: Caller | None = None
        try:
            caller = await identify(given, self._authenticator, query_token_seconds=self._query_token_seconds)
            caller = replace(caller, source=source(socket.scope))
            refusal = standing(caller, self._directory)
            if refusal is None and len(self._connections) >= self._max_connections:
                refusal = BUSY
        except NotAuthenticated:
            refusal = INVALID
            if given.is_token:
                await self._authenticator.refused("chat", visitor_of(socket.scope))
        except StorageError:  # who it is cannot be checked now
            refusal = NOT_NOW
        await socket.accept(subprotocol=given.subprotocol)
        if refusal is not None or caller is None:
            await _refuse(socket, refusal or INVALID)
            return
        connection = ChatConnection(socket, socket.scope[WIRE], caller, self._state)
        self._connections.add(connection)
        try:
            await connection.serve(_asked(socket))
        finally:
            self._connections.discard(connection)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._check_seconds)
            try:
                self.rooms.look()
                for connection in list(self._connections):
                    refusal = standing(connection.caller, self._directory)
                    if refusal is not None:
                        self._services.tasks.spawn(connection.close(refusal), f"close a chat with {refusal.code}")
            except Exception:
                logger.exception("a look at the chats failed")


def _asked(socket: WebSocket) -> SessionId | None:
    """Return the session that a client asks for; None = none, or no id at all."""
    asked = socket.query_params.get("session_id", "")
    return SessionId(asked) if re.fullmatch(SESSION_ID.strip("^$"), asked) else None


async def _refuse(socket: WebSocket, why: Refusal) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(REFUSE_SECONDS):
            await socket.close(why.code, why.reason)
