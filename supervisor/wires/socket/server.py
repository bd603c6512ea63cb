"""The supervisor socket on 9999: protocol.md section 1 for services and for the command line."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.frames import CloseCode
from websockets.http11 import Request, Response

from supervisor.config import Supervisor
from supervisor.operations.api import Api
from supervisor.people.identity import Caller
from supervisor.protocol.errors import NotAuthenticated, StorageError
from supervisor.protocol.messages import Address
from supervisor.wires.listening import bind
from supervisor.wires.socket.connection import Common, Connection
from supervisor.wires.socket.dispatch import CHANNEL, Service
from supervisor.wires.socket.handshake import Doorman, bearer
from supervisor.wires.socket.replies import Replies

logger = logging.getLogger(__name__)

MAX_FRAME = 1024 * 1024
"""Bytes of one message; a longer one closes its connection with 1009."""

MAX_PENDING = 1_024
"""Connections at a time that have not authenticated; one more is refused with 503."""

AUTH_SECONDS = 10.0
"""What a client gets to send a good token."""

CHECK_SECONDS = 2.0
"""Between two looks for tokens that were revoked or have expired: they count for at most 5 s more."""

CLOSE_SECONDS = 5.0
"""What the other end of a connection gets to take what is queued and to answer a close frame."""

GRACE_SECONDS = 2.0
"""What requests under way get at the end; by then every turn has been answered."""

PING_SECONDS = 20.0
"""Between two pings of a silent connection, and what a client gets to answer one."""


class SocketServer:
    """The server; bind, start, refuse_new and aclose in this order.

    Args:
        auth_seconds: what a client gets to send a good token.
        check_seconds: between two looks for tokens that do not count any more.
        close_seconds: what a client gets to take what is queued when its connection is closed.

    Attributes:
        replies: who takes the replies that leave by this socket.
    """

    def __init__(
        self,
        config: Supervisor,
        api: Api,
        *,
        auth_seconds: float = AUTH_SECONDS,
        check_seconds: float = CHECK_SECONDS,
        close_seconds: float = CLOSE_SECONDS,
    ) -> None:
        self._config = config
        self._directory = api.directory
        self._outbox = api.outbox
        self._check_seconds = check_seconds
        self._doorman = Doorman(config.host, config.allowed_origins)
        self.replies = Replies()
        service = Service(
            operations=api.operations,
            approval_operations=api.approvals,
            directory=api.directory,
            replies=self.replies,
            ack_after=config.ack_after_seconds,
        )
        self._common = Common(
            service=service,
            directory=api.directory,
            replies=self.replies,
            hub=api.hub,
            server=f"xswarm/{_version()}",
            auth_seconds=auth_seconds,
            close_seconds=close_seconds,
            came=self._came,
        )
        self._socket: socket.socket | None = None
        self._server: Server | None = None
        self._address: tuple[str, int] | None = None
        self._watch: asyncio.Task[None] | None = None

    def bind(self) -> None:
        """Take the port; who connects now waits until `start`.

        Raises:
            ConfigError: the port is in use, or cannot be had.
        """
        self._socket = bind(self._config.host, self._config.port, "supervisor.port")
        host, port = self._socket.getsockname()[:2]
        self._address = (str(host), int(port))

    async def start(self) -> None:
        """Serve.

        Raises:
            ConfigError: the port is in use, or cannot be had.
        """
        if self._socket is None:
            self.bind()
        library = logger.getChild("library")
        library.setLevel(logging.WARNING)  # it logs every connection
        self._server = await serve(
            self._serve,
            sock=self._socket,
            process_request=self._admit,
            compression=None,  # it would cost 32 KiB a connection
            max_size=MAX_FRAME,
            ping_interval=PING_SECONDS,
            ping_timeout=PING_SECONDS,
            server_header=None,
            logger=library,
        )
        self._watch = asyncio.create_task(self._check_tokens(), name="check the sockets' tokens")

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens; known once it is bound."""
        assert self._address is not None, "bind comes first"
        return self._address

    @property
    def url(self) -> str:
        """The same as a URL."""
        host, port = self.address
        return f"ws://[{host}]:{port}" if ":" in host else f"ws://{host}:{port}"

    @property
    def client_count(self) -> int:
        """How many clients have authenticated and are there."""
        return len(self._common.known)

    def refuse_new(self) -> None:
        """Take no new connections and start nothing new; what runs is still answered."""
        self._common.closing = True
        if self._server is not None:
            self._server.close(close_connections=False)

    async def aclose(self) -> None:
        """Answer what waits, then close every connection with 1001."""
        self.refuse_new()
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        self.replies.release()
        await self._common.tasks.aclose(GRACE_SECONDS)
        connections = [*self._common.pending, *self._common.known]
        await asyncio.gather(*(c.close(CloseCode.GOING_AWAY, "the daemon is shutting down") for c in connections))
        if self._server is not None:
            await self._server.wait_closed()
        if self._socket is not None:
            self._socket.close()
        await self._common.tasks.aclose(0)  # what a connection's end has started

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if (why := self._doorman.refusal(request.headers)) is not None:
            return connection.respond(HTTPStatus.FORBIDDEN, f"{why}\n")
        if len(self._common.pending) >= MAX_PENDING and not self._knows(bearer(request.headers)):
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections without a token\n")
        return None

    def _knows(self, token: str | None) -> bool:
        try:
            self._directory.caller(token or "")
        except NotAuthenticated:
            return False
        return True

    async def _serve(self, websocket: ServerConnection) -> None:
        await Connection(websocket, self._common).serve()

    def _came(self, account: str) -> None:
        self._common.tasks.spawn(self._wake_replies(account), "wake parked replies")

    async def _wake_replies(self, account: str) -> None:
        try:
            await self._outbox.returned(CHANNEL, Address(kind=CHANNEL, value=account))
        except StorageError as error:
            logger.error("replies that wait for %s stay where they are: %s", account, error)

    async def _check_tokens(self) -> None:
        """Close the connections whose token was revoked or has expired, and end what is not shared with them now."""
        while True:
            await asyncio.sleep(self._check_seconds)
            valid: dict[Caller, bool] = {}
            for connection in list(self._common.known):
                caller = connection.caller
                if caller is None:
                    continue
                if caller not in valid:
                    valid[caller] = self._directory.still_valid(caller)
                if not valid[caller]:
                    connection.shut(CloseCode.POLICY_VIOLATION, "the token does not count any more")
                    continue
                try:
                    await connection.check_topics()
                except StorageError as error:
                    logger.error("whether %s may still hear its sessions could not be checked: %s", caller.name, error)


def _version() -> str:
    """Return this program's version; a source tree that was never installed has none."""
    try:
        return version("xswarm")
    except PackageNotFoundError:
        return "source"
