from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import anthropic
import pytest
from aiohttp import web

from supervisor.models.api_errors import LARGEST_BODY
from supervisor.models.gateway.gateway import Gateway
from supervisor.models.gateway.meter import Metered
from supervisor.models.offline.model import OfflineModel
from supervisor.models.offline.reply import Reply, encode_event, stream_events
from supervisor.models.prices import PriceList
from supervisor.protocol.conversation import ModelEndpoint, Tokens
from tests.slowness import scaled
from tests.supervisor.models.gateway.meters import RecordingMeter
from tests.supervisor.models.gateway.upstream import Handler, Upstream
from tests.waiting import until

KEY = "sk-ant-the-real-key"
MODEL = "claude-opus-5-5"
EVENTS = [encode_event(event) for event in stream_events(Reply(text="one two three").message(MODEL, 40))]
USAGE = {"input_tokens": 10, "output_tokens": 20, "cache_read_input_tokens": 30}
NANOS = 10 * 4_000 + 20 * 20_000 + 30 * 200


def script(*steps: dict[str, Any]) -> str:
    return f"@@{json.dumps({'steps': steps})}"


def asking(prompt: str = "hi", **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": prompt}], **more}


def bearing(endpoint: ModelEndpoint) -> dict[str, str]:
    return {"x-api-key": endpoint.token}


@asynccontextmanager
async def gateway_to(url: str, **more: Any) -> AsyncIterator[Gateway]:
    async with Gateway(upstream=url, api_key=KEY, prices=PriceList(), **more) as gateway:
        yield gateway


@asynccontextmanager
async def behind(
    handler: Handler,
) -> AsyncIterator[tuple[Upstream, ModelEndpoint, RecordingMeter, aiohttp.ClientSession]]:
    """A gateway in front of an upstream that does as it is told."""
    meter = RecordingMeter()
    async with Upstream(handler) as upstream, gateway_to(upstream.url) as gateway:
        endpoint = gateway.issue("ada", meter)
        async with aiohttp.ClientSession(endpoint.base_url, headers=bearing(endpoint)) as http:
            yield upstream, endpoint, meter, http


@pytest.fixture
async def gateway(offline: OfflineModel) -> AsyncIterator[Gateway]:
    async with gateway_to(offline.url) as gateway:
        yield gateway


@pytest.fixture
def meter() -> RecordingMeter:
    return RecordingMeter()


@pytest.fixture
def endpoint(gateway: Gateway, meter: RecordingMeter) -> ModelEndpoint:
    return gateway.issue("ada", meter)


@pytest.fixture
async def client(endpoint: ModelEndpoint) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(api_key=endpoint.token, base_url=endpoint.base_url) as client:
        yield client


@pytest.fixture
async def http(endpoint: ModelEndpoint) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(endpoint.base_url, headers=bearing(endpoint)) as http:
        yield http


async def streamed(request: web.Request, events: list[bytes]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for event in events:
        await response.write(event)
    return response


async def test_stream_is_metered_to_the_nanodollar(
    gateway: Gateway, meter: RecordingMeter, client: anthropic.AsyncAnthropic
) -> None:
    async with client.messages.stream(**asking(script({"text": "one two", "usage": USAGE}))) as stream:
        assert await stream.get_final_text() == "one two"
    await until(lambda: meter.ended, "the call is finished")
    (begun,), (ended,) = meter.begun, meter.ended
    assert (ended.owner, ended.model, ended.complete, ended.nanos) == ("ada", MODEL, True, NANOS)
    assert ended.tokens == Tokens(input=10, output=20, cache_read=30)
    assert begun.id == ended.id
    assert meter.asked == [(MODEL, 50)]
    assert gateway.metered() == {MODEL: Metered(calls=1, tokens=ended.tokens, nanos=NANOS)}


async def test_unstreamed_answer_is_metered_too(meter: RecordingMeter, client: anthropic.AsyncAnthropic) -> None:
    message = await client.messages.create(**asking(script({"text": "one", "usage": USAGE})))
    assert message.content[0].type == "text"
    assert message.content[0].text == "one"
    await until(lambda: meter.ended, "the call is finished")
    assert (meter.ended[0].nanos, meter.ended[0].complete) == (NANOS, True)


async def test_unknown_model_is_metered_without_a_price(
    gateway: Gateway, meter: RecordingMeter, client: anthropic.AsyncAnthropic
) -> None:
    await client.messages.create(**asking(script({"usage": USAGE}), model="claude-unheard-of"))
    await until(lambda: meter.ended, "the call is finished")
    assert meter.ended[0].nanos is None
    assert gateway.metered()["claude-unheard-of"].unpriced == 1


async def test_counting_tokens_is_free(meter: RecordingMeter, client: anthropic.AsyncAnthropic) -> None:
    meter.refusal = "no money left"
    counted = await client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "hi"}])
    assert counted.input_tokens > 0
    assert (meter.asked, meter.ended) == ([], [])


async def test_calls_of_subagents_are_told_apart(meter: RecordingMeter, http: aiohttp.ClientSession) -> None:
    async def call(agent: str) -> None:
        headers = {"X-Claude-Code-Session-Id": "s1"} | ({"x-claude-code-agent-id": agent} if agent else {})
        body = asking(script({"text": "a b c d", "token_delay": 0.01}), stream=True)
        async with http.post("/v1/messages", json=body, headers=headers) as answer:
            await answer.read()

    await asyncio.gather(*(call(agent) for agent in ("", "a1", "a2")))
    await until(lambda: len(meter.ended) == 3, "all calls are finished")
    assert sorted((call.agent_id or "", call.session_header) for call in meter.ended) == [
        ("", "s1"),
        ("a1", "s1"),
        ("a2", "s1"),
    ]
    assert {call.id for call in meter.begun} == {call.id for call in meter.ended}


async def test_pieces_pass_before_the_answer_is_whole() -> None:
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


async def test_retries_of_the_official_client_work(
    offline: OfflineModel, meter: RecordingMeter, client: anthropic.AsyncAnthropic
) -> None:
    step = {"errors": [529, 529], "retry_after": 0.01, "text": "at last"}
    message = await client.messages.create(**asking(script(step)))
    assert message.content[0].type == "text"
    assert message.content[0].text == "at last"
    assert [request.attempt for request in offline.requests] == [1, 2, 3]
    await until(lambda: meter.ended, "the call is finished")
    assert (len(meter.asked), len(meter.ended)) == (3, 1)


async def test_error_passes_as_it_is(http: aiohttp.ClientSession, meter: RecordingMeter) -> None:
    step = {"errors": [429], "retry_after": 7}
    async with http.post("/v1/messages", json=asking(script(step))) as answer:
        assert (answer.status, answer.headers["retry-after"]) == (429, "7")
        assert (await answer.json())["error"] == {"type": "rate_limit_error", "message": "scripted error 429"}
    assert (meter.begun, meter.ended) == ([], [])


async def test_upstream_that_drops_breaks_the_caller_off(meter: RecordingMeter, http: aiohttp.ClientSession) -> None:
    body = asking(script({"text": "one two three four", "drop_after": 3}), stream=True)
    async with http.post("/v1/messages", json=body) as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
    await until(lambda: meter.ended, "the call is finished")
    (ended,) = meter.ended
    # "one two three" is 13 characters.
    assert (ended.complete, ended.tokens.output) == (False, 4)


async def test_stream_without_an_end_is_broken_off() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return await streamed(request, EVENTS[:4])

    async with behind(handler) as (_, _, meter, http), http.post("/v1/messages", json=asking()) as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
        await until(lambda: meter.ended, "the call is finished")
        assert not meter.ended[0].complete


async def test_error_event_passes_and_ends_cleanly(meter: RecordingMeter, http: aiohttp.ClientSession) -> None:
    body = asking(script({"text": "one", "sse_error": "too much"}), stream=True)
    async with http.post("/v1/messages", json=body) as answer:
        assert b"too much" in await answer.read()
    await until(lambda: meter.ended, "the call is finished")
    assert not meter.ended[0].complete


async def test_caller_that_leaves_ends_the_call_and_is_metered() -> None:
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


async def test_caller_that_leaves_before_the_answer_owes_nothing() -> None:
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


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": "wrong"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic YTpi"},
        {"x-api-key": KEY},
    ],
)
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
async def test_wrong_token_is_forbidden(
    gateway: Gateway, offline: OfflineModel, path: str, headers: dict[str, str]
) -> None:
    async with (
        aiohttp.ClientSession(gateway.url, headers=headers) as http,
        http.post(path, json=asking()) as answer,
    ):
        assert answer.status == 403
        assert (await answer.json())["error"]["type"] == "permission_error"
    assert not offline.requests


async def test_token_of_any_bytes_is_forbidden(gateway: Gateway) -> None:
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nx-api-key: \xff\xfe\r\nContent-Length: 0\r\n\r\n")
    assert (await reader.readline()).split()[1] == b"403"
    writer.close()
    await writer.wait_closed()


async def test_token_is_taken_as_bearer_too(gateway: Gateway, endpoint: ModelEndpoint) -> None:
    async with (
        aiohttp.ClientSession(gateway.url, headers={"Authorization": f"Bearer {endpoint.token}"}) as http,
        http.post("/v1/messages?beta=true", json=asking()) as answer,
    ):
        assert answer.status == 200


async def test_revoked_token_lets_nothing_in(
    gateway: Gateway, endpoint: ModelEndpoint, http: aiohttp.ClientSession
) -> None:
    gateway.revoke(endpoint.token)
    gateway.revoke("never issued")
    async with http.post("/v1/messages", json=asking()) as answer:
        assert answer.status == 403


async def test_what_cannot_be_metered_is_refused_and_asks_no_meter(
    offline: OfflineModel, meter: RecordingMeter, http: aiohttp.ClientSession
) -> None:
    async with http.post("/v1/messages", json=asking(speed="fast")) as answer:
        assert answer.status == 400
        assert "speed" in (await answer.json())["error"]["message"]
    assert not offline.requests
    assert not meter.asked


async def test_tokens_are_of_one_owner_each(gateway: Gateway) -> None:
    meters = {name: RecordingMeter() for name in ("ada", "bob")}
    for name, meter in meters.items():
        endpoint = gateway.issue(name, meter)
        async with (
            aiohttp.ClientSession(endpoint.base_url, headers=bearing(endpoint)) as http,
            http.post("/v1/messages", json=asking()) as answer,
        ):
            await answer.read()
    await until(lambda: all(meter.ended for meter in meters.values()), "the calls are finished")
    for name, meter in meters.items():
        assert [call.owner for call in meter.ended] == [name]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/messages"),
        ("GET", "/v1/models"),
        ("POST", "/v1/messages/batches"),
        ("POST", "/v1/messages/../models"),
        ("POST", "/v1/complete"),
        ("GET", "/api/hello"),
        ("POST", "/"),
    ],
)
async def test_anything_else_is_not_found(http: aiohttp.ClientSession, method: str, path: str) -> None:
    async with http.request(method, path) as answer:
        assert answer.status == 404
        assert (await answer.json())["type"] == "error"


async def test_start_up_probe_is_answered_here(offline: OfflineModel, http: aiohttp.ClientSession) -> None:
    async with http.head("/api/hello") as answer:
        assert answer.status == 200


async def test_refusal_is_a_402_with_its_sentence(
    offline: OfflineModel, meter: RecordingMeter, client: anthropic.AsyncAnthropic
) -> None:
    meter.refusal = "Budget exceeded: session spent $1.00 of $1.00"
    with pytest.raises(anthropic.APIStatusError, match="session spent") as caught:
        await client.messages.create(**asking())
    assert caught.value.status_code == 402
    assert not offline.requests
    assert meter.asked == [(MODEL, 50)]


class BrokenMeter(RecordingMeter):
    """A meter whose limits cannot be checked."""

    async def admit(self, model: str, max_tokens: int, *, most_nanos: int | None) -> str | None:
        raise OSError("disk")


async def test_limits_that_cannot_be_checked_let_nothing_through(
    gateway: Gateway, offline: OfflineModel, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = gateway.issue("ada", BrokenMeter())
    async with (
        aiohttp.ClientSession(endpoint.base_url, headers=bearing(endpoint)) as http,
        http.post("/v1/messages", json=asking()) as answer,
    ):
        assert (answer.status, answer.headers["x-should-retry"]) == (500, "false")
        assert "disk" not in await answer.text()
    assert not offline.requests
    assert "could not be found out" in caplog.text


async def test_key_reaches_the_upstream_and_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
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


async def test_no_key_is_sent_where_the_upstream_needs_none() -> None:
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


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"model": 1}', b"[" * 100_000])
async def test_body_without_a_model_is_refused(offline: OfflineModel, http: aiohttp.ClientSession, body: bytes) -> None:
    async with http.post("/v1/messages", data=body) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["type"] == "invalid_request_error"
    assert not offline.requests


async def test_body_that_is_too_large_is_refused(offline: OfflineModel, http: aiohttp.ClientSession) -> None:
    async with http.post("/v1/messages", data=io.BytesIO(bytes(LARGEST_BODY + 1))) as answer:
        assert answer.status == 413
        assert (await answer.json())["error"]["type"] == "request_too_large"
    assert not offline.requests


async def test_large_conversation_passes_whole(offline: OfflineModel, http: aiohttp.ClientSession) -> None:
    body = json.dumps(asking(script({"text": "x"}) + "y" * 3_000_000)).encode()
    async with http.post("/v1/messages", data=io.BytesIO(body)) as answer:
        assert answer.status == 200
    assert len(offline.requests) == 1


async def test_unreachable_upstream_is_a_clear_502(caplog: pytest.LogCaptureFixture) -> None:
    async with OfflineModel() as offline:
        gone = offline.url
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


async def test_upstream_that_falls_silent_breaks_the_caller_off() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = await streamed(request, EVENTS[:2])
        await asyncio.Event().wait()
        return response

    meter = RecordingMeter()
    async with Upstream(handler) as upstream, gateway_to(upstream.url, read_timeout=scaled(0.3)) as gateway:
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


async def test_closing_ends_what_is_in_flight() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = await streamed(request, EVENTS[:1])
        await asyncio.Event().wait()
        return response

    meter = RecordingMeter()
    async with Upstream(handler) as upstream, aiohttp.ClientSession() as http:
        async with gateway_to(upstream.url) as gateway:
            endpoint = gateway.issue("ada", meter)
            answer = await http.post(f"{gateway.url}/v1/messages", json=asking(), headers=bearing(endpoint))
            await answer.content.readany()
        assert [call.complete for call in meter.ended] == [False]
        answer.close()


async def test_a_hundred_calls_at_once_are_each_metered(meter: RecordingMeter, http: aiohttp.ClientSession) -> None:
    async def call() -> None:
        async with http.post("/v1/messages", json=asking(script({"text": "x", "usage": USAGE}), stream=True)) as answer:
            await answer.read()

    await asyncio.gather(*(call() for _ in range(100)))
    await until(lambda: len(meter.ended) == 100, "all calls are finished")
    assert sum(call.nanos or 0 for call in meter.ended) == 100 * NANOS
    assert len({call.id for call in meter.ended}) == 100


async def test_taken_port_is_an_error(gateway: Gateway) -> None:
    port = int(gateway.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        await Gateway(upstream=gateway.url, api_key=None, prices=PriceList(), port=port).__aenter__()
