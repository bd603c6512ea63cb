"""Webhooks over a real port: what the channel sees, and what the provider gets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from supervisor import config
from supervisor.protocol.ports.web import WebResponse
from supervisor.wires.http.bodies import MAX_WEBHOOK
from tests.supervisor.wires.http.hook_channel import PATH, SECRET, HookChannel
from tests.supervisor.wires.http.serving import Served, refusal

PUBLIC = config.Http(port=0, public_url="https://hooks.example.org/base/")


@pytest.fixture
def channel() -> HookChannel:
    return HookChannel()


@pytest.fixture
async def provider(tmp_path: Path, channel: HookChannel) -> AsyncIterator[httpx.AsyncClient]:
    async with Served(tmp_path, http=PUBLIC, channels=[channel]) as served:
        client = await served.client(None)
        client.headers["Host"] = "hooks.example.org"
        yield client


async def test_channel_sees_the_request_as_it_came(provider: httpx.AsyncClient, channel: HookChannel) -> None:
    query = b"ob=1%2B2&s=a%2fb&x=+&y=%C3%A4&z"
    response = await provider.post(
        httpx.URL(PATH, query=query), content=b"Body=\xff&From=%2B1", headers={"X-Twilio-Signature": "abc"}
    )
    assert (response.status_code, response.content, response.headers["content-type"]) == (
        200,
        b"<Response/>",
        "text/xml",
    )
    (request,) = channel.requests
    assert (request.method, request.path, request.query) == ("POST", PATH, query.decode())
    assert request.url == f"https://hooks.example.org/base{PATH}?{query.decode()}"
    assert request.body == b"Body=\xff&From=%2B1"
    assert request.headers["x-twilio-signature"] == "abc"


async def test_url_is_never_made_from_forwarded_headers(provider: httpx.AsyncClient, channel: HookChannel) -> None:
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "X-Forwarded-Prefix": "/x"}
    await provider.post(PATH, headers=forged)
    assert channel.requests[0].url == f"https://hooks.example.org/base{PATH}"


async def test_server_without_a_public_url_is_reached_by_its_address(tmp_path: Path, channel: HookChannel) -> None:
    async with Served(tmp_path, channels=[channel]) as served:
        await (await served.client(None)).get(PATH)
        assert channel.requests[0].url == f"{served.server.url}{PATH}"


async def test_header_that_comes_twice_is_joined(provider: httpx.AsyncClient, channel: HookChannel) -> None:
    await provider.post(PATH, headers=[("X-A", "1"), ("X-A", "2"), ("Host", "hooks.example.org")])
    assert channel.requests[0].headers["x-a"] == "1, 2"


async def test_answer_of_the_channel_is_given_as_it_is(provider: httpx.AsyncClient, channel: HookChannel) -> None:
    channel.answer = WebResponse(status=403, body=b"no\n", headers={"X-Why": "because"})
    response = await provider.post(PATH)
    assert (response.status_code, response.text, response.headers["x-why"]) == (403, "no\n", "because")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    channel.answer = WebResponse(status=204)
    response = await provider.post(PATH)
    assert (response.status_code, response.content) == (204, b"")
    assert "content-type" not in response.headers


async def test_channel_that_breaks_is_500_without_details(
    provider: httpx.AsyncClient, channel: HookChannel, caplog: pytest.LogCaptureFixture
) -> None:
    channel.answer = RuntimeError(SECRET)
    response = await provider.post(PATH)
    assert refusal(response)[:2] == (500, "internal")
    assert SECRET not in response.text
    assert SECRET in caplog.text


async def test_store_that_refuses_is_503_so_that_the_provider_tries_again(provider: httpx.AsyncClient) -> None:
    assert refusal(await provider.post("/webhooks/test/full"))[:2] == (503, "storage")


async def test_body_over_the_limit_is_413_and_reaches_no_channel(
    provider: httpx.AsyncClient, channel: HookChannel
) -> None:
    assert (await provider.post(PATH, content=b"x" * MAX_WEBHOOK)).status_code == 200
    response = await provider.post(PATH, content=b"x" * (MAX_WEBHOOK + 1))
    assert refusal(response)[:2] == (413, "too_large")
    assert len(channel.requests) == 1


async def test_webhook_takes_its_own_methods_only(provider: httpx.AsyncClient, channel: HookChannel) -> None:
    assert (await provider.put(PATH)).status_code == 405
    assert (await provider.get(PATH)).status_code == 200
    assert (await provider.post(f"{PATH}/more")).status_code == 401
    assert [request.method for request in channel.requests] == ["GET"]


async def test_other_methods_are_refused_with_those_of_the_path(provider: httpx.AsyncClient) -> None:
    for path, allowed in ((PATH, "GET, HEAD, POST"), ("/webhooks/test/full", "POST")):
        response = await provider.delete(path)
        assert refusal(response)[:2] == (405, "method_not_allowed")
        assert response.headers["allow"] == allowed
