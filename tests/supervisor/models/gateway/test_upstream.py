from __future__ import annotations

import asyncio
import io
import json
import logging

import aiohttp
import pytest
from aiohttp import web

from supervisor.models.gateway.gateway import Gateway
from supervisor.models.offline.model import OfflineModel
from supervisor.models.prices import PriceList
from tests.ports import free_port
from tests.slowness import scaled
from tests.supervisor.models.gateway.calls import (
    EVENTS,
    KEY,
    MODEL,
    asking,
    bearing,
    behind,
    gateway_to,
    script,
    streamed,
)
from tests.supervisor.models.gateway.meters import RecordingMeter
from tests.supervisor.models.gateway.upstream import Upstream
from tests.waiting import until


async def test_chunks_are_forwarded_before_the_answer_is_complete() -> None:
    go_on = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = await streamed(request, EVENTS[:1])
        await go_on.wait()
        for event in EVENTS[1:]:
            await response.write(event)
        return response

    async with behind(handler) as (_, _, meter, http), http.post("/v1/messages", json=asking()) as answer:
        assert await answer.content.readany() == EVENTS[0]
        assert (len(meter.begun), meter.ended) == (1, [])
        go_on.set()
        assert await answer.read() == b"".join(EVENTS[1:])


async def test_error_is_forwarded_unchanged(http: aiohttp.ClientSession, meter: RecordingMeter) -> None:
    step = {"errors": [429], "retry_after": 7}
    async with http.post("/v1/messages", json=asking(script(step))) as answer:
        assert (answer.status, answer.headers["retry-after"]) == (429, "7")
        assert (await answer.json())["error"] == {"type": "rate_limit_error", "message": "scripted error 429"}
    assert (meter.begun, meter.ended) == ([], [])


async def test_upstream_that_drops_aborts_the_callers_connection(
    meter: RecordingMeter, http: aiohttp.ClientSession
) -> None:
    body = asking(script({"text": "one two three four", "drop_after": 3}), stream=True)
    async with http.post("/v1/messages", json=body) as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
    await until(lambda: meter.ended, "the call is finished")
    (ended,) = meter.ended
    # "one two three" is 13 characters.
    assert (ended.complete, ended.tokens.output) == (False, 4)


async def test_stream_without_an_end_is_aborted() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return await streamed(request, EVENTS[:4])

    async with behind(handler) as (_, _, meter, http), http.post("/v1/messages", json=asking()) as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
        await until(lambda: meter.ended, "the call is finished")
        assert not meter.ended[0].complete


async def test_error_event_is_forwarded_and_ends_cleanly(meter: RecordingMeter, http: aiohttp.ClientSession) -> None:
    body = asking(script({"text": "one", "sse_error": "too much"}), stream=True)
    async with http.post("/v1/messages", json=body) as answer:
        assert b"too much" in await answer.read()
    await until(lambda: meter.ended, "the call is finished")
    assert not meter.ended[0].complete


async def test_disconnected_caller_cancels_the_call_and_is_metered() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = await streamed(request, EVENTS[:5])
        await asyncio.Event().wait()
        return response

    async with behind(handler) as (upstream, _, meter, http):
        async with http.post("/v1/messages", json=asking()) as answer:
            await answer.content.readany()
            answer.close()
        await until(lambda: upstream.abandoned, "the upstream's caller has left")
        await until(lambda: meter.ended, "the call is finished")
        (ended,) = meter.ended
        assert (ended.complete, ended.tokens.input) == (False, 10)
        assert ended.tokens.output >= 1


async def test_caller_that_disconnects_before_the_answer_pays_nothing() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError("it is abandoned")

    async with behind(handler) as (upstream, _, meter, http):
        call = asyncio.create_task(http.post("/v1/messages", json=asking()), name="call")
        await until(lambda: upstream.requests, "the upstream is asked")
        call.cancel()
        await asyncio.wait([call])
        await until(lambda: upstream.abandoned, "the upstream's caller has left")
        assert (meter.begun, meter.ended) == ([], [])


async def test_api_key_reaches_only_the_upstream(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"type": "message", "model": MODEL, "usage": {}}, headers={"Set-Cookie": "a=b"})

    async with behind(handler) as (upstream, endpoint, _, http):
        headers = {
            "Cookie": "c=d",
            "Authorization": "Bearer mine",
            "Connection": "x-mine",
            "X-Mine": "1",
            "X-App": "cli",
        }
        async with http.post("/v1/messages?beta=true", json=asking(), headers=headers) as answer:
            seen = f"{answer.headers}{await answer.text()}"
        (request,) = upstream.requests
        assert request.headers.getall("x-api-key") == [KEY]
        assert request.headers["Accept-Encoding"] == "identity"
        assert request.rel_url.raw_path_qs == "/v1/messages?beta=true"
        assert request.headers["X-App"] == "cli"
        assert not {"Authorization", "Cookie", "X-Mine"} & set(request.headers)
        assert endpoint.token not in str(request.headers)
        assert KEY not in seen
        assert "Set-Cookie" not in seen
    assert KEY not in repr(Gateway(upstream="http://127.0.0.1:1", api_key=KEY, prices=PriceList()))
    assert KEY not in caplog.text
    assert endpoint.token not in repr(endpoint) + caplog.text


async def test_no_key_is_sent_to_an_upstream_without_a_key() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({})

    async with (
        Upstream(handler) as upstream,
        Gateway(upstream=upstream.url, api_key=None, prices=PriceList()) as gateway,
    ):
        endpoint = gateway.issue("ada", RecordingMeter())
        async with (
            aiohttp.ClientSession(endpoint.base_url, headers=bearing(endpoint)) as http,
            http.post("/v1/messages", json=asking()),
        ):
            pass
        assert "x-api-key" not in upstream.requests[0].headers


async def test_compressed_answer_is_refused() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})

    async with behind(handler) as (_, _, meter, http), http.post("/v1/messages", json=asking()) as answer:
        assert answer.status == 502
        assert "cannot be metered" in await answer.text()
        assert not meter.begun


async def test_redirect_is_not_followed() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": "http://127.0.0.1:1/elsewhere"})

    async with behind(handler) as (upstream, _, _, http):
        async with http.post("/v1/messages", json=asking(), allow_redirects=False) as answer:
            assert answer.status == 307
        assert len(upstream.requests) == 1


async def test_large_conversation_is_forwarded_complete(offline: OfflineModel, http: aiohttp.ClientSession) -> None:
    body = json.dumps(asking(script({"text": "x"}) + "y" * 3_000_000)).encode()
    async with http.post("/v1/messages", data=io.BytesIO(body)) as answer:
        assert answer.status == 200
    assert len(offline.requests) == 1


async def test_unreachable_upstream_is_a_clear_502(caplog: pytest.LogCaptureFixture) -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    async with gateway_to(gone) as gateway:
        endpoint = gateway.issue("ada", RecordingMeter())
        async with (
            aiohttp.ClientSession(endpoint.base_url, headers=bearing(endpoint)) as http,
            http.post("/v1/messages", json=asking()) as answer,
        ):
            assert answer.status == 502
            assert f"the model at {gone} cannot be reached" in (await answer.json())["error"]["message"]


async def test_silent_upstream_is_a_504() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError("it is abandoned")

    async with Upstream(handler) as upstream, gateway_to(upstream.url, read_timeout=0.05) as gateway:
        endpoint = gateway.issue("ada", RecordingMeter())
        async with (
            aiohttp.ClientSession(endpoint.base_url, headers=bearing(endpoint)) as http,
            http.post("/v1/messages", json=asking()) as answer,
        ):
            assert answer.status == 504
            assert "did not answer in time" in await answer.text()


async def test_upstream_that_becomes_silent_aborts_the_callers_connection() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = await streamed(request, EVENTS[:2])
        await asyncio.Event().wait()
        return response

    meter = RecordingMeter()
    async with Upstream(handler) as upstream, gateway_to(upstream.url, read_timeout=scaled(1.0)) as gateway:
        endpoint = gateway.issue("ada", meter)
        async with (
            aiohttp.ClientSession(endpoint.base_url, headers=bearing(endpoint)) as http,
            http.post("/v1/messages", json=asking()) as answer,
        ):
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.read()
        await until(lambda: meter.ended, "the call is finished")


async def test_closed_connection_without_an_answer_is_a_502() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with behind(handler) as (_, _, _, http), http.post("/v1/messages", json=asking()) as answer:
        assert answer.status == 502


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch, offline: OfflineModel) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with gateway_to(offline.url) as gateway:
        endpoint = gateway.issue("ada", RecordingMeter())
        async with (
            aiohttp.ClientSession(endpoint.base_url, headers=bearing(endpoint)) as http,
            http.post("/v1/messages", json=asking()) as answer,
        ):
            assert answer.status == 200
