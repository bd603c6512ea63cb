"""A server on loopback that takes the texts of the daemon, as Twilio's API does, and reports nothing about them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from supervisor.protocol.ids import uuid7


async def _take(request: web.Request) -> web.Response:
    await request.read()
    return web.json_response({"sid": "SM" + uuid7().replace("-", ""), "status": "queued"}, status=201)


async def _list(request: web.Request) -> web.Response:
    return web.json_response({"messages": [], "next_page_uri": None})


@asynccontextmanager
async def texts_sink() -> AsyncIterator[str]:
    """Yield the URL of the server while the context is entered."""
    application = web.Application()
    application.router.add_post("/{path:.*}", _take)
    application.router.add_get("/{path:.*}", _list)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
