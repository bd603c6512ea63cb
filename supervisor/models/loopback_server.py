"""An HTTP server on loopback whose connections have limits: the gateway's, the offline model's, that of tools."""

from __future__ import annotations

import asyncio

from aiohttp import web

from supervisor.models.connections import BoundedConnection

SHUTDOWN_SECONDS = 0.5
"""How long requests in flight may take to end when the server stops."""


class LoopbackServer:
    """Serves an application.

    Args:
        port: 0 = take a free port.
        connection: the class of its connections, with their limits.
    """

    def __init__(self, *, host: str, port: int, connection: type[BoundedConnection] = BoundedConnection) -> None:
        self._host = host
        self._port = port
        self._connection = connection
        self._runner: web.AppRunner | None = None
        self._listener: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash. With `port=0` it is valid only after `start`."""
        return f"http://{self._host}:{self._port}"

    async def serve(self, app: web.Application) -> None:
        """Listen on the port.

        Raises:
            OSError: the port is taken.
        """
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
