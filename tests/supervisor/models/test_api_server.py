from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web

from supervisor.models.api_server import ApiServer
from tests.ports import free_port


async def path_of(request: web.Request) -> web.StreamResponse:
    return web.json_response(request.path)


def server(port: int = 0) -> ApiServer:
    return ApiServer(
        messages=path_of, count_tokens=path_of, not_found="this server does not know", host="127.0.0.1", port=port
    )


async def test_each_path_has_its_handler_and_the_rest_is_not_found() -> None:
    api = server()
    await api.start()
    try:
        async with aiohttp.ClientSession(api.url) as http:
            for path in ("/v1/messages", "/v1/messages/count_tokens"):
                async with http.post(path) as answer:
                    assert await answer.json() == path
            async with http.head("/api/hello") as answer:
                assert answer.status == 200
            async with http.get("/v1/models") as answer:
                assert answer.status == 404
                assert (await answer.json())["error"]["message"] == "this server does not know GET /v1/models"
    finally:
        await api.stop()


async def test_stopping_frees_the_port_and_may_be_done_twice() -> None:
    port = free_port()
    api = server(port)
    await api.start()
    with pytest.raises(OSError, match="in use"):
        await server(port).start()
    await api.stop()
    await api.stop()
    again = server(port)
    await again.start()
    await again.stop()
