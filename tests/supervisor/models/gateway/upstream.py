"""A server for tests in place of the Messages API, with one handler of the test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Upstream:
    """Answers every request by one handler.

    Attributes:
        requests: all that came, in order.
        abandoned: how many requests ended because the client left.
    """

    def __init__(self, handler: Handler) -> None:
        self.requests: list[web.Request] = []
        self.abandoned = 0
        self._handler = handler
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Upstream:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._runner is not None, "it was entered"
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.requests.append(request)
        try:
            return await self._handler(request)
        except asyncio.CancelledError:
            self.abandoned += 1
            raise
