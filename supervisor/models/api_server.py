"""The loopback HTTP server that the gateway and the offline model share: the routes of the Messages API."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from supervisor.models.api_errors import LARGEST_BODY, error_response, in_api_shape
from supervisor.models.connections import BoundedConnection
from supervisor.models.loopback_server import LoopbackServer


class ApiServer(LoopbackServer):
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
        super().__init__(host=host, port=port, connection=connection)
        self._messages = messages
        self._count_tokens = count_tokens
        self._not_found = not_found

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
        await self.serve(app)

    async def _refuse_unknown(self, request: web.Request) -> web.Response:
        return error_response(404, f"{self._not_found} {request.method} {request.path}")


async def _hello(request: web.Request) -> web.Response:
    return web.Response()
