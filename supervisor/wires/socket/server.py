"""The supervisor socket on 9999: docs/protocol.md for services and for the command line."""

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
from supervisor.runtime.logs import Outage
from supervisor.store.ports.people.sign_in import Visitor
from supervisor.wires.listening import bind
from supervisor.wires.socket.connection import Connection, ServerState
from supervisor.wires.socket.dispatch import CHANNEL, RequestDispatcher
from supervisor.wires.socket.handshake import HandshakePolicy, bearer
from supervisor.wires.socket.replies import ReplyRouter

logger = logging.getLogger(__name__)

MAX_FRAME = 1024 * 1024
"""Most bytes of one frame; a longer frame closes its connection with 1009."""

MAX_PENDING = 1_024
"""Most connections that have not authenticated; the next one is refused with 503."""

AUTH_SECONDS = 10.0
"""Timeout of authentication, in seconds."""

CHECK_SECONDS = 2.0
"""Interval of the check for revoked and expired tokens, in seconds; such a token may work for at most 5 s."""

CLOSE_SECONDS = 5.0
"""How long a client gets to read the queue and to answer a close frame, in seconds."""

GRACE_SECONDS = 2.0
"""How long running requests get at the end, in seconds; every turn has been answered by then."""

PING_SECONDS = 20.0
"""Interval of pings, and timeout of the answer to one, in seconds."""


class SocketServer:
    """The server. Call bind, start, refuse_new and aclose in this order.

    Args:
        auth_seconds: timeout of authentication, in seconds.
        check_seconds: interval of the check for revoked and expired tokens, in seconds.
        close_seconds: how long a client gets to read the queue when its connection is closed, in seconds.

    Attributes:
        replies: writes replies to the connections of their accounts.
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
        self._sign_in = api.sign_in
        self._check_seconds = check_seconds
        self._policy = HandshakePolicy(config.host, config.allowed_origins)
        self.replies = ReplyRouter()
        dispatcher = RequestDispatcher(
            operations=api.operations,
            approval_operations=api.approvals,
            directory=api.directory,
            replies=self.replies,
            ack_after=config.ack_after_seconds,
        )
        self._state = ServerState(
            dispatcher=dispatcher,
            directory=api.directory,
            replies=self.replies,
            hub=api.hub,
            program=f"xswarm/{_version()}",
            auth_seconds=auth_seconds,
            close_seconds=close_seconds,
            on_authenticated=self._on_authenticated,
            on_refused=self._on_refused,
            nodes=api.nodes,
        )
        self._unwoken = Outage(logger)
        self._waking: set[str] = set()
        self._socket: socket.socket | None = None
        self._server: Server | None = None
        self._address: tuple[str, int] | None = None
        self._watch: asyncio.Task[None] | None = None

    def bind(self) -> None:
        """Listen on the port; the kernel queues connections until `start`.

        Raises:
            ConfigError: the port is in use, or cannot be bound.
        """
        self._socket = bind(self._config.host, self._config.port, "supervisor.port")
        host, port = self._socket.getsockname()[:2]
        self._address = (str(host), int(port))

    async def start(self) -> None:
        """Serve connections; bind the port first if `bind` was not called.

        Raises:
            ConfigError: the port is in use, or cannot be bound.
        """
        if self._socket is None:
            self.bind()
        library = logger.getChild("library")
        library.setLevel(logging.WARNING)  # it logs every connection
        self._server = await serve(
            self._serve,
            sock=self._socket,
            process_request=self._admit,
            compression=None,  # it costs 32 KiB a connection
            max_size=MAX_FRAME,
            ping_interval=PING_SECONDS,
            ping_timeout=PING_SECONDS,
            server_header=None,
            logger=library,
        )
        self._watch = asyncio.create_task(self._check_tokens(), name="check the sockets' tokens")

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the listening socket; available after `bind`."""
        assert self._address is not None, "bind comes first"
        return self._address

    @property
    def url(self) -> str:
        """The address as a URL; available after `bind`."""
        host, port = self.address
        return f"ws://[{host}]:{port}" if ":" in host else f"ws://{host}:{port}"

    @property
    def client_count(self) -> int:
        """The number of connected clients that have authenticated."""
        return len(self._state.authenticated)

    def refuse_new(self) -> None:
        """Refuse new connections and requests that start work; running requests are still answered."""
        self._state.closing = True
        if self._server is not None:
            self._server.close(close_connections=False)

    async def aclose(self) -> None:
        """Answer running requests, then close every connection with 1001."""
        self.refuse_new()
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        self.replies.release()
        await self._state.tasks.aclose(GRACE_SECONDS)
        connections = [*self._state.pending, *self._state.authenticated]
        await asyncio.gather(*(c.close(CloseCode.GOING_AWAY, "the daemon is shutting down") for c in connections))
        if self._server is not None:
            await self._server.wait_closed()
        if self._socket is not None:
            self._socket.close()
        await self._state.tasks.aclose(0)  # tasks that closing connections have started

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if (why := self._policy.refusal(request.headers)) is not None:
            return connection.respond(HTTPStatus.FORBIDDEN, f"{why}\n")
        if len(self._state.pending) >= MAX_PENDING and not self._knows(bearer(request.headers)):
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections without a token\n")
        return None

    def _knows(self, token: str | None) -> bool:
        try:
            self._directory.caller(token or "")
        except (NotAuthenticated, StorageError):
            return False
        return True

    async def _serve(self, websocket: ServerConnection) -> None:
        await Connection(websocket, self._state).serve()

    def _on_refused(self, source: str) -> None:
        self._state.tasks.spawn(self._sign_in.token_refused("socket", Visitor(source=source)), "note a wrong token")

    def _on_authenticated(self, account: str) -> None:
        self._state.tasks.spawn(self._wake_replies(account), "wake parked replies")

    async def _wake_replies(self, account: str) -> None:
        """Let the replies that wait for an account leave; while the store refuses, one task tries it again."""
        if await self._have_woken(account) or account in self._waking:
            return
        self._waking.add(account)
        try:
            while account in self.replies.accounts():
                await asyncio.sleep(self._check_seconds)
                if await self._have_woken(account):
                    return
        finally:
            self._waking.discard(account)

    async def _have_woken(self, account: str) -> bool:
        try:
            await self._outbox.returned(CHANNEL, Address(kind=CHANNEL, value=account))
        except StorageError as error:
            self._unwoken.failed("%s: parked replies cannot be woken: %s", account, error)
            return False
        self._unwoken.works("%s: parked replies can be woken again", account)
        return True

    async def _check_tokens(self) -> None:
        """Close connections whose token is revoked or expired; end subscriptions that are no longer allowed."""
        while True:
            await asyncio.sleep(self._check_seconds)
            valid: dict[Caller, bool] = {}
            for connection in list(self._state.authenticated):
                caller = connection.caller
                if caller is None:
                    continue
                if caller not in valid:
                    valid[caller] = self._directory.still_valid(caller)
                if not valid[caller]:
                    connection.start_close(CloseCode.POLICY_VIOLATION, "the token is no longer valid")
                    continue
                try:
                    await connection.check_topics()
                except StorageError as error:
                    logger.error("%s: subscriptions could not be checked: %s", caller.name, error)


def _version() -> str:
    """Return the version of this program; "source" if it was not installed."""
    try:
        return version("xswarm")
    except PackageNotFoundError:
        return "source"
