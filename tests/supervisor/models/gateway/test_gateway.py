from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator

import aiohttp
import anthropic
import pytest
from aiohttp import web

from supervisor.models.api_errors import LARGEST_BODY
from supervisor.models.gateway.gateway import AWAY, REFUSED, Gateway
from supervisor.models.gateway.meter import CallTotals
from supervisor.models.offline.model import OfflineModel
from supervisor.models.prices import PriceList
from supervisor.protocol.conversation import ModelEndpoint, Tokens
from supervisor.protocol.errors import StorageError
from supervisor.protocol.ports.connector import OWN_ERROR
from supervisor.protocol.text.refusals import for_sender
from tests.supervisor.models.gateway.calls import (
    EVENTS,
    KEY,
    MODEL,
    NANOS,
    USAGE,
    asking,
    bearing,
    gateway_to,
    script,
    streamed,
)
from tests.supervisor.models.gateway.meters import RecordingMeter
from tests.supervisor.models.gateway.upstream import Upstream
from tests.waiting import until


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
    assert gateway.metered() == {MODEL: CallTotals(calls=1, tokens=ended.tokens, nanos=NANOS)}


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


async def test_token_is_accepted_as_bearer_too(gateway: Gateway, endpoint: ModelEndpoint) -> None:
    async with (
        aiohttp.ClientSession(gateway.url, headers={"Authorization": f"Bearer {endpoint.token}"}) as http,
        http.post("/v1/messages?beta=true", json=asking()) as answer,
    ):
        assert answer.status == 200


async def test_revoked_token_is_refused(gateway: Gateway, endpoint: ModelEndpoint, http: aiohttp.ClientSession) -> None:
    gateway.revoke(endpoint.token)
    gateway.revoke("never issued")
    async with http.post("/v1/messages", json=asking()) as answer:
        assert answer.status == 403


async def test_a_call_that_cannot_be_metered_is_refused_without_asking_the_meter(
    offline: OfflineModel, meter: RecordingMeter, http: aiohttp.ClientSession
) -> None:
    async with http.post("/v1/messages", json=asking(speed="fast")) as answer:
        assert answer.status == 400
        assert "speed" in (await answer.json())["error"]["message"]
    assert not offline.requests
    assert not meter.asked


async def test_each_token_has_its_own_owner(gateway: Gateway) -> None:
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


async def test_call_is_refused_if_the_limits_cannot_be_checked(
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
    assert "limits of a model call could not be checked" in caplog.text


class AwayMeter(RecordingMeter):
    """A meter whose database does not answer for the first call."""

    async def admit(self, model: str, max_tokens: int, *, most_nanos: int | None) -> str | None:
        if not self.asked:
            self.asked.append((model, max_tokens))
            raise StorageError("PostgreSQL does not answer", "look at 10.0.0.1")
        return await super().admit(model, max_tokens, most_nanos=most_nanos)


async def test_a_call_is_to_be_made_again_while_the_database_does_not_answer(
    gateway: Gateway, offline: OfflineModel
) -> None:
    endpoint = gateway.issue("ada", AwayMeter())
    async with aiohttp.ClientSession(endpoint.base_url, headers=bearing(endpoint)) as http:
        async with http.post("/v1/messages", json=asking()) as answer:
            told = await answer.json()
            assert (answer.status, answer.headers[OWN_ERROR]) == (503, "storage")
            assert told["error"] == {"type": "api_error", "message": AWAY}
            assert not offline.requests
        async with http.post("/v1/messages", json=asking()) as answer:
            assert answer.status == 200


class FullMeter(RecordingMeter):
    """A meter whose disk is full."""

    async def admit(self, model: str, max_tokens: int, *, most_nanos: int | None) -> str | None:
        self.asked.append((model, max_tokens))
        raise StorageError("database or disk is full", for_sender("free disk space"), lasts=True)


async def test_a_call_is_made_once_and_told_the_cause_where_the_refusal_of_the_database_lasts(
    gateway: Gateway, offline: OfflineModel
) -> None:
    meter = FullMeter()
    endpoint = gateway.issue("ada", meter)
    async with anthropic.AsyncAnthropic(api_key=endpoint.token, base_url=endpoint.base_url) as client:
        with pytest.raises(anthropic.APIStatusError) as told:
            await client.messages.create(**asking())
    assert told.value.api_message == REFUSED.format(cause="database or disk is full; free disk space")
    assert (told.value.status_code, told.value.response.headers["x-should-retry"]) == (402, "false")
    assert told.value.response.headers[OWN_ERROR] == "storage"
    assert (len(meter.asked), len(offline.requests)) == (1, 0)


async def test_a_client_makes_its_call_again_by_itself_when_the_database_is_back(gateway: Gateway) -> None:
    endpoint = gateway.issue("ada", AwayMeter())
    async with anthropic.AsyncAnthropic(api_key=endpoint.token, base_url=endpoint.base_url) as client:
        message = await client.messages.create(**asking(script({"text": "one"})))
        assert message.content[0].type == "text"
        assert message.content[0].text == "one"


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


async def test_closing_ends_calls_in_flight() -> None:
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


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
async def test_a_token_revoked_during_its_request_is_refused(
    path: str, gateway: Gateway, offline: OfflineModel
) -> None:
    endpoint = gateway.issue("ada", RecordingMeter())

    async def ending() -> AsyncIterator[bytes]:
        gateway.revoke(endpoint.token)
        yield json.dumps(asking()).encode()

    # The body is asked for by who takes the request, and comes only then.
    async with (
        aiohttp.ClientSession(endpoint.base_url, headers={"x-api-key": endpoint.token}) as http,
        http.post(path, data=ending(), expect100=True) as answer,
    ):
        assert answer.status == 403
    assert not offline.requests


class WaitingMeter(RecordingMeter):
    """A meter at which a call waits for others, until its session has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.free = asyncio.Event()

    async def admit(self, model: str, max_tokens: int, *, most_nanos: int | None) -> str | None:
        await super().admit(model, max_tokens, most_nanos=most_nanos)
        await self.free.wait()
        return None


async def test_a_call_whose_token_is_revoked_while_it_waits_is_not_made(
    gateway: Gateway, offline: OfflineModel
) -> None:
    meter = WaitingMeter()
    endpoint = gateway.issue("ada", meter)
    async with aiohttp.ClientSession(endpoint.base_url, headers={"x-api-key": endpoint.token}) as http:
        call = asyncio.create_task(http.post("/v1/messages", json=asking()))
        await until(lambda: meter.asked, "the call asks to be let through")
        gateway.revoke(endpoint.token)
        meter.free.set()
        assert (await call).status == 403
    assert not offline.requests
    assert (meter.done, meter.begun) == (1, [])
