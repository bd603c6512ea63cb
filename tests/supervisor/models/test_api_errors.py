from __future__ import annotations

import json

import aiohttp
import pytest
from aiohttp import web

from supervisor.models.api_errors import error_body, error_response, in_api_shape


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (502, "api_error"),
        (503, "api_error"),
        (529, "overloaded_error"),
    ],
)
def test_status_has_the_name_that_the_api_gives_it(status: int, kind: str) -> None:
    assert error_body(status, "why") == {"type": "error", "error": {"type": kind, "message": "why"}}


def test_response_is_json_with_its_headers() -> None:
    response = error_response(429, "later", headers={"retry-after": "7"})
    assert (response.status, response.content_type, response.headers["retry-after"]) == (429, "application/json", "7")
    assert json.loads(response.text or "") == error_body(429, "later")


async def test_a_body_with_a_wrong_content_encoding_is_a_400(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    app = web.Application(middlewares=[in_api_shape])
    app.router.add_post("/", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        headers = {"Content-Encoding": "gzip"}
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"http://{host}:{port}/", data=b"plain", headers=headers, compress=False) as answer,
        ):
            assert answer.status == 400
            assert (await answer.json())["error"]["type"] == "invalid_request_error"
    finally:
        await runner.cleanup()
    assert "Error handling request" not in caplog.text
