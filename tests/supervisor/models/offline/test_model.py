from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import anthropic
import pytest

from supervisor.models.offline.model import REMEMBERED_REQUESTS, OfflineModel
from supervisor.models.offline.reply import SIGNATURE
from tests.waiting import until


@pytest.fixture
async def client(offline: OfflineModel) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(api_key="any", base_url=offline.url, max_retries=2) as client:
        yield client


@pytest.fixture
async def http(offline: OfflineModel) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(offline.url) as http:
        yield http


def script(*steps: dict[str, Any]) -> str:
    return f"@@{json.dumps({'steps': steps})}"


def asking(prompt: str, **more: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": prompt}], **more}


async def test_plain_prompt_gets_an_honest_answer(client: anthropic.AsyncAnthropic) -> None:
    message = await client.messages.create(**asking("How are you?"))
    (block,) = message.content
    assert block.type == "text"
    assert "How are you?" in block.text
    assert block.text.endswith(SIGNATURE)
    assert (message.model, message.stop_reason) == ("m", "end_turn")
    assert message.usage.input_tokens > 0


async def test_scripted_answer_streams_to_the_official_client(client: anthropic.AsyncAnthropic) -> None:
    step = {"text": "one two three", "tools": [{"name": "Bash", "input": {"command": "ls"}}]}
    async with client.messages.stream(**asking(script(step))) as stream:
        words = [word async for word in stream.text_stream]
        message = await stream.get_final_message()
    assert words == ["one", " two", " three"]
    assert message.stop_reason == "tool_use"
    assert [block.type for block in message.content] == ["text", "tool_use"]
    assert message.content[1].type == "tool_use"
    assert message.content[1].input == {"command": "ls"}


async def test_each_answer_takes_the_script_one_step_further(client: anthropic.AsyncAnthropic) -> None:
    prompt = {"role": "user", "content": script({"text": "one"}, {"text": "two"})}
    answered = {"role": "assistant", "content": "one"}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "x"}]}
    texts = []
    for messages in ([prompt], [prompt, answered, result], [prompt, answered, result, answered, result]):
        message = await client.messages.create(**asking("", messages=messages))
        assert message.content[0].type == "text"
        texts.append(message.content[0].text)
    assert texts[:2] == ["one", "two"]
    assert "2 steps and no more" in texts[2]


async def test_scripted_errors_are_answered_one_per_attempt(
    offline: OfflineModel, client: anthropic.AsyncAnthropic
) -> None:
    step = {"errors": [529, 500], "retry_after": 0.01, "text": "at last"}
    message = await client.messages.create(**asking(script(step)))
    assert message.content[0].type == "text"
    assert message.content[0].text == "at last"
    assert [request.attempt for request in offline.requests] == [1, 2, 3]


async def test_scripted_errors_begin_again_after_success(http: aiohttp.ClientSession) -> None:
    statuses = []
    for _ in range(4):
        async with http.post("/v1/messages", json=asking(script({"errors": [503]}))) as answer:
            statuses.append(answer.status)
    assert statuses == [503, 200, 503, 200]


async def test_error_has_the_shape_of_the_api(http: aiohttp.ClientSession) -> None:
    step = {"errors": [529], "retry_after": 1.5}
    async with http.post("/v1/messages", json=asking(script(step))) as answer:
        assert (answer.status, answer.headers["retry-after"]) == (529, "1.5")
        body = await answer.json()
    assert body == {"type": "error", "error": {"type": "overloaded_error", "message": "scripted error 529"}}


async def test_dropped_stream_breaks_off_after_its_deltas(http: aiohttp.ClientSession) -> None:
    seen = bytearray()

    async def read(answer: aiohttp.ClientResponse) -> None:
        async for chunk in answer.content.iter_any():
            seen.extend(chunk)

    body = asking(script({"text": "one two three", "drop_after": 2}), stream=True)
    async with http.post("/v1/messages?beta=true", json=body) as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await read(answer)
    assert seen.count(b"text_delta") == 2


async def test_unstreamed_answer_can_be_dropped_too(http: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.ClientConnectionError):
        await http.post("/v1/messages", json=asking(script({"text": "one", "drop_after": 0})))


async def test_error_event_ends_a_stream(client: anthropic.AsyncAnthropic) -> None:
    async with client.messages.stream(**asking(script({"text": "one", "sse_error": "too much"}))) as stream:
        with pytest.raises(anthropic.APIStatusError, match="too much"):
            await stream.get_final_message()


async def test_usage_and_stop_reason_are_as_scripted(client: anthropic.AsyncAnthropic) -> None:
    usage = {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3}
    step = {"text": "x", "usage": usage, "stop_reason": "max_tokens"}
    async with client.messages.stream(**asking(script(step))) as stream:
        message = await stream.get_final_message()
    assert message.stop_reason == "max_tokens"
    assert {name: getattr(message.usage, name) for name in usage} == usage


async def test_delay_holds_the_answer_back(offline: OfflineModel, http: aiohttp.ClientSession) -> None:
    slow = asyncio.create_task(http.post("/v1/messages", json=asking(script({"delay": 3000}))), name="slow")
    await until(lambda: offline.requests, "the slow request has come")
    async with http.post("/v1/messages", json=asking(script({"delay": 0.01}))) as answer:
        assert answer.status == 200
    assert not slow.done()
    slow.cancel()
    await asyncio.wait([slow])


async def test_hanging_step_waits_for_the_client_to_leave(offline: OfflineModel, http: aiohttp.ClientSession) -> None:
    call = asyncio.create_task(http.post("/v1/messages", json=asking(script({"hang": True}))), name="hanging")
    await until(lambda: offline.requests, "the request has come")
    assert not call.done()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_closing_does_not_wait_for_hanging_requests() -> None:
    async with OfflineModel() as offline, aiohttp.ClientSession(offline.url) as http:
        steps = ({"hang": True}, {"delay": 3000}, {"text": "a b", "token_delay": 3000})
        calls = [
            asyncio.create_task(http.post("/v1/messages", json=asking(script(step), stream=True)), name="slow")
            for step in steps
        ]
        await until(lambda: len(offline.requests) == len(steps), "all requests have come")
        await offline.__aexit__()
        for outcome in await asyncio.gather(*calls, return_exceptions=True):
            if isinstance(outcome, aiohttp.ClientResponse):
                outcome.close()


async def test_tokens_are_counted(client: anthropic.AsyncAnthropic) -> None:
    few = await client.messages.count_tokens(model="m", messages=[{"role": "user", "content": "hi"}])
    many = await client.messages.count_tokens(model="m", messages=[{"role": "user", "content": "hi" * 2000}])
    assert 0 < few.input_tokens < many.input_tokens


async def test_start_up_probe_is_answered(http: aiohttp.ClientSession) -> None:
    async with http.head("/api/hello") as answer:
        assert answer.status == 200


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/messages"), ("GET", "/v1/models"), ("POST", "/")])
async def test_anything_else_is_not_found(http: aiohttp.ClientSession, method: str, path: str) -> None:
    async with http.request(method, path) as answer:
        assert answer.status == 404
        assert (await answer.json())["error"]["type"] == "not_found_error"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"model": 1}', b'{"model": "m", "messages": []}'])
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
async def test_body_that_is_not_a_request_is_refused(http: aiohttp.ClientSession, path: str, body: bytes) -> None:
    async with http.post(path, data=body) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["type"] == "invalid_request_error"


async def test_requests_are_recorded(offline: OfflineModel, http: aiohttp.ClientSession) -> None:
    headers = {"X-Claude-Code-Session-Id": "s1", "x-claude-code-agent-id": "a1"}
    body = asking("hello", stream=True, tools=[{"name": "Bash"}])
    async with http.post("/v1/messages?beta=true", json=body, headers=headers) as answer:
        await answer.read()
    (request,) = offline.requests
    assert (request.path, request.model, request.session_id, request.agent_id) == ("/v1/messages", "m", "s1", "a1")
    assert (request.stream, request.prompt, request.tools) == (True, "hello", frozenset({"Bash"}))
    assert request.turns == (("user", "hello"),)


async def test_record_of_requests_is_bounded(offline: OfflineModel) -> None:
    assert offline.requests.maxlen == REMEMBERED_REQUESTS


async def test_taken_port_is_an_error() -> None:
    async with OfflineModel() as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            await OfflineModel(port=port).__aenter__()
