"""The HTTP server on port 8787: uvicorn on a socket that we bind; the daemon handles signals and logs."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Mapping, Sequence

import uvicorn
from starlette.routing import WebSocketRoute

from supervisor.config import Http
from supervisor.operations.api import Api
from supervisor.people.authentication import Authenticator
from supervisor.people.sign_in.oidc.sign_in import OidcSignIn
from supervisor.protocol.ports.channel import Channel
from supervisor.protocol.ports.web import Route
from supervisor.store.ports.people.accounts import THE_OPERATOR
from supervisor.store.records.accounts import Actor
from supervisor.wires import stream
from supervisor.wires.chat.routes import ChatRoutes
from supervisor.wires.chat.search import SearchRoutes
from supervisor.wires.chat.server import PREFIXES, ChatSocket
from supervisor.wires.http.application import application
from supervisor.wires.http.connections import CLIENT_SECONDS, WebSocketConnection, limited
from supervisor.wires.http.console import HOW_TO_BUILD, ConsoleFile, read_console
from supervisor.wires.http.cookies import Cookies, is_local
from supervisor.wires.http.guard import Guard
from supervisor.wires.http.webhooks import webhook_routes
from supervisor.wires.listening import BACKLOG, bind
from supervisor.wires.live.server import LiveSocket
from supervisor.wires.metrics.counts import Counts
from supervisor.wires.metrics.routes import MetricsRoutes
from supervisor.wires.peers import among_nodes, behind_proxies
from supervisor.wires.rest.admin.meter import Meter
from supervisor.wires.rest.auth.pages import pages
from supervisor.wires.rest.auth.routes import auth_router
from supervisor.wires.rest.health import Parts
from supervisor.wires.rest.resource import resource_router
from supervisor.wires.rest.routes import routers
from supervisor.wires.stoppable import StoppableServer
from supervisor.wires.stream import StreamSocket

logger = logging.getLogger(__name__)

MAX_SOCKET_FRAME = 1024 * 1024
"""Most bytes of a frame from a web socket client; a longer frame closes its connection with 1009."""

GRACE_SECONDS = 5
"""How long running requests get at the end, in seconds; every turn has been answered by then."""


class HttpServer:
    """REST, admin API, stream and webhooks on one port. Call bind, add_channel, start, refuse_new, aclose in order.

    Args:
        parts: which parts of the daemon work besides the store, for /readyz.
        meter: the totals that the gateway counted; None = there is no gateway.
        counts: counts what happens, for /metrics; None = nobody else counts.
        authenticator: knows the callers; None = only tokens that we issued count.
        oidc: the other services where people sign in; None = there are none.
        allowed_origins: foreign browser origins that may change something.
        grace_seconds: how long running requests get at the end, in whole seconds.

    Attributes:
        chat: the web sockets of the admin chat.
    """

    def __init__(
        self,
        config: Http,
        api: Api,
        *,
        parts: Parts,
        meter: Meter | None = None,
        counts: Counts | None = None,
        authenticator: Authenticator | None = None,
        oidc: OidcSignIn | None = None,
        allowed_origins: Sequence[str] = (),
        grace_seconds: int = GRACE_SECONDS,
    ) -> None:
        self._config = config
        self._api = api
        self._allowed_origins = allowed_origins
        self._grace_seconds = grace_seconds
        self._counts = counts or Counts()
        cookies = Cookies(config.public_url)
        self._pages = pages(cookies, self._base)
        chats = [
            *ChatRoutes(api.chat, api.directory).endpoints(),
            *SearchRoutes(api.search, api.directory).endpoints(),
        ]
        self._routers = [
            *routers(api, parts=parts, meter=meter, make_link=self.make_link),
            auth_router(api, cookies, self._base, oidc or OidcSignIn({}, api.directory, api.sign_in)),
            resource_router(MetricsRoutes(self._counts, api, parts=parts, meter=meter).endpoints()),
            *(resource_router(chats, prefix=prefix) for prefix in PREFIXES),
        ]
        self._authenticator = authenticator or Authenticator(api.directory, sign_in=api.sign_in)
        self._stream = StreamSocket(
            api.one_shot, self._authenticator, query_token_seconds=config.query_token_max_seconds
        )
        self.chat = ChatSocket(
            api, self._authenticator, query_token_seconds=config.query_token_max_seconds, cookies=cookies
        )
        self._live = LiveSocket(
            api.hub, api.operations.queries, api.chat.people, api.directory, self._authenticator, cookies
        )
        api.database.watch(self._live.committed)
        self._webhooks: list[Route] = []
        self._socket: socket.socket | None = None
        self._guard: Guard | None = None
        self._uvicorn: StoppableServer | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The URL on this machine; available after `bind`."""
        assert self._socket is not None, "bind comes first"
        host, port = self._address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def make_link(self, user_id: str, *, by: Actor = THE_OPERATOR) -> tuple[str, int]:
        """Return a link that signs a user in, and when it expires; available after `bind`.

        Raises:
            UserNotFound: there is no such user.
            StorageError: it could not be stored.
        """
        return await self._api.sign_in.make_link(user_id, base=self._base(), by=by)

    def _base(self) -> str:
        """Return the URL of links: passkeys and cookies need a name, so it is never 127.0.0.1."""
        public_url = self._config.public_url
        return f"http://localhost:{self._address[1]}" if is_local(public_url) else public_url.rstrip("/")

    def bind(self) -> None:
        """Listen on the port; the kernel queues connections until `start`.

        Raises:
            ConfigError: the port is in use, or cannot be bound.
        """
        self._socket = bind(self._config.host, self._config.port, "http.port")
        host, port = self._socket.getsockname()[:2]
        self._address = (str(host), int(port))

    def add_channel(self, channel: Channel) -> None:
        """Serve the webhook paths of a channel."""
        self._webhooks += channel.routes()

    async def start(self) -> tuple[str, int]:
        """Serve requests; return host and port. Binds the port first if `bind` was not called.

        Raises:
            ConfigError: the port is in use, or cannot be bound.
        """
        if self._socket is None:
            self.bind()
        assert self._socket is not None
        self._guard = application(
            *self._routers,
            config=self._config,
            authenticator=self._authenticator,
            keys=self._api.keys,
            webhooks=webhook_routes(
                self._webhooks, lambda: self._config.public_url or self.url, self._counts.webhook_refused
            ),
            sockets=[
                WebSocketRoute(stream.PATH, self._stream.serve),
                *self.chat.routes(),
                *self._live.routes(),
                *self._pages,
            ],
            console=await asyncio.to_thread(_console),
            allowed_origins=self._allowed_origins,
            upload_limit=self._api.uploads.max_bytes,
        )
        proxies = self._config.trusted_proxies
        known = among_nodes(self._guard, self._api.nodes)
        served = behind_proxies(known, proxies) if proxies else known
        self._uvicorn = StoppableServer(
            uvicorn.Config(
                served,
                http=limited((route.path for route in self._webhooks), proxies),
                ws=WebSocketConnection,
                ws_max_size=MAX_SOCKET_FRAME,
                ws_per_message_deflate=False,
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,  # see behind_proxies
                backlog=BACKLOG,
                timeout_keep_alive=CLIENT_SECONDS,
                timeout_graceful_shutdown=self._grace_seconds,
            )
        )
        self.chat.start()
        self._task = await self._uvicorn.serving(self._socket)
        return self._address

    def refuse_new(self) -> None:
        """Refuse new connections and requests; running requests continue."""
        if self._guard is not None:
            self._guard.closing = True
        if self._uvicorn is not None:
            self._uvicorn.stop_listening()

    async def aclose(self) -> None:
        """Give running requests their grace period, cancel the rest, and close all connections. May be called twice."""
        self.refuse_new()
        if self._uvicorn is not None and self._task is not None:
            self._uvicorn.stop()
            await self._task
            # uvicorn cancels requests without waiting for them.
            await asyncio.gather(*self._uvicorn.server_state.tasks, return_exceptions=True)
        await self.chat.aclose()
        if self._socket is not None:
            self._socket.close()


def _console() -> Mapping[str, ConsoleFile]:
    files = read_console()
    if not files:
        logger.warning(HOW_TO_BUILD)
    return files
