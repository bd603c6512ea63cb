"""The loopback HTTP server that the gateway and the offline model share: the routes of the Messages API."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler

from supervisor.models.api_errors import LARGEST_BODY, error_response, in_api_shape
from supervisor.models.connections import BoundedConnection

SHUTDOWN_SECONDS = 0.5
"""How long requests in flight may take to end when the server stops."""


class ApiServer:
    """Serves the part of the Messages API that its clients use; any other request gets a 404 in the API's shape.

    Args:
        messages: handles `POST /v1/messages`.
        count_tokens: handles `POST /v1/messages/count_tokens`.
        not_found: the start of the 404 message; method and path follow.
        port: 0 = take a free port.
        connection: the class of its connections, with their limits.
    """

    def __init__(
        self,
        *,
        messages: Handler,
        count_tokens: Handler,
        not_found: str,
        host: str,
        port: int,
        connection: type[BoundedConnection] = BoundedConnection,
    ) -> None:
        self._messages = messages
        self._count_tokens = count_tokens
        self._not_found = not_found
        self._host = host
        self._port = port
        self._connection = connection
        self._runner: web.AppRunner | None = None
        self._listener: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash. With `port=0` it is valid only after `start`."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen on the port.

        Raises:
            OSError: the port is taken.
        """
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[in_api_shape])
        app.router.add_post("/v1/messages", self._messages)
        app.router.add_post("/v1/messages/count_tokens", self._count_tokens)
        # Claude Code probes this path when it starts.
        app.router.add_route("HEAD", "/api/hello", _hello)
        app.router.add_route("*", "/{path:.*}", self._refuse_unknown)
        # With handler_cancellation a client that disconnects cancels its request.
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        server, loop = runner.server, asyncio.get_running_loop()
        assert server is not None, "setup has created it"
        try:
            # Not a site of aiohttp: a site cannot choose the class of its connections.
            self._listener = await loop.create_server(lambda: self._connection(server, loop), self._host, self._port)
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self._port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and cancel the requests that do not end within `SHUTDOWN_SECONDS`. It may run twice."""
        if self._listener is not None:
            self._listener.close()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _refuse_unknown(self, request: web.Request) -> web.Response:
        return error_response(404, f"{self._not_found} {request.method} {request.path}")


async def _hello(request: web.Request) -> web.Response:
    return web.Response()
