"""The assistant against the scripted model, and against a server that breaks the rules."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from connectors.assistant.config import AssistantConfig
from connectors.assistant.plugin import AssistantConnector
from supervisor.models.offline.model import OfflineModel
from supervisor.protocol.conversation import (
    Exchange,
    Failed,
    Finished,
    ModelEndpoint,
    TextDelta,
    Tokens,
    UsageReported,
)
from supervisor.protocol.ports.connector import Conversation
from tests.connectors.contract import Listener, new_prompt, opened, session_spec
from tests.connectors.raw_server import Handler, raw_server
from tests.slowness import scaled
from tests.waiting import until

TOKEN = "token-of-the-session"


@pytest.fixture
async def model() -> AsyncIterator[OfflineModel]:
    async with OfflineModel() as model:
        yield model


def script(**step: Any) -> str:
    return "@@" + json.dumps({"steps": [step]})


def talk(
    folder: Path,
    base_url: str,
    *,
    config: AssistantConfig | None = None,
    history: tuple[Exchange, ...] = (),
    turn_timeout: float = scaled(60.0),
    max_retries: int = 0,
    model: str | None = None,
) -> AbstractAsyncContextManager[tuple[Conversation, Listener]]:
    connector = AssistantConnector(config or AssistantConfig(), max_retries=max_retries)
    endpoint = ModelEndpoint(base_url=base_url, token=TOKEN)
    return opened(connector, session_spec(folder, endpoint=endpoint, turn_timeout=turn_timeout, model=model), history)


def local(port: int) -> str:
    return f"http://127.0.0.1:{port}"


async def failure(conversation: Conversation, listener: Listener, text: str) -> Failed:
    await conversation.prompt(new_prompt(text))
    outcome = await listener.outcome()
    assert isinstance(outcome, Failed)
    return outcome


async def test_an_answer_streams_in_several_pieces(model: OfflineModel, tmp_path: Path) -> None:
    async with talk(tmp_path, model.url) as (conversation, listener):
        await conversation.prompt(new_prompt(script(text="one two three")))
        outcome = await listener.outcome()
    assert isinstance(outcome, Finished)
    assert outcome.text == "one two three"
    assert outcome.stop_reason == "end_turn"
    assert len([event for event in listener.events if isinstance(event, TextDelta)]) > 1


async def test_usage_is_reported_before_the_outcome_and_never_counts_as_the_cost(
    model: OfflineModel, tmp_path: Path
) -> None:
    usage = {
        "input_tokens": 10,
        "output_tokens": 7,
        "cache_read_input_tokens": 3,
        "cache_creation_input_tokens": 9,
        "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 4},
    }
    async with talk(tmp_path, model.url) as (conversation, listener):
        await conversation.prompt(new_prompt(script(text="hi", usage=usage)))
        outcome = await listener.outcome()
    assert listener.events[-3:-1] == [
        UsageReported(
            model=AssistantConfig().model,
            tokens=Tokens(input=10, output=7, cache_read=3, cache_write_5m=5, cache_write_1h=4),
        ),
        outcome,
    ]


async def test_the_history_and_the_turns_since_are_sent_along(model: OfflineModel, tmp_path: Path) -> None:
    history = (Exchange(prompt="my name is Ada", answer="Hello Ada"),)
    async with talk(tmp_path, model.url, history=history) as (conversation, listener):
        await conversation.prompt(new_prompt("hello"))
        first = await listener.outcome()
        await conversation.prompt(new_prompt("and now?"))
        await listener.outcome(2)
    assert isinstance(first, Finished)
    assert model.requests[-1].turns == (
        ("user", "my name is Ada"),
        ("assistant", "Hello Ada"),
        ("user", "hello"),
        ("assistant", first.text),
        ("user", "and now?"),
    )


async def test_the_model_of_the_session_goes_before_the_default(model: OfflineModel, tmp_path: Path) -> None:
    async with talk(tmp_path, model.url, model="claude-sonnet-5-5") as (conversation, listener):
        await conversation.prompt(new_prompt("hello"))
        await listener.outcome()
    assert [request.model for request in model.requests] == ["claude-sonnet-5-5"]
    assert model.requests[0].tools == frozenset()


@pytest.mark.parametrize("stop_reason", ["max_tokens", "model_context_window_exceeded"])
async def test_an_answer_that_was_cut_says_so(stop_reason: str, model: OfflineModel, tmp_path: Path) -> None:
    async with talk(tmp_path, model.url) as (conversation, listener):
        await conversation.prompt(new_prompt(script(text="a long", stop_reason=stop_reason)))
        outcome = await listener.outcome()
    assert isinstance(outcome, Finished)
    assert outcome.stop_reason == stop_reason
    assert outcome.text == "a long\n\n[The answer was cut off here: it reached the length limit.]"
    assert listener.streamed == outcome.text


async def test_an_empty_answer_is_a_failure(model: OfflineModel, tmp_path: Path) -> None:
    async with talk(tmp_path, model.url) as (conversation, listener):
        outcome = await failure(conversation, listener, script(text=" "))
    assert outcome.why == "the model gave an empty answer; try again"


async def test_a_refusal_without_words_says_so(model: OfflineModel, tmp_path: Path) -> None:
    async with talk(tmp_path, model.url) as (conversation, listener):
        await conversation.prompt(new_prompt(script(text="", stop_reason="refusal")))
        outcome = await listener.outcome()
    assert isinstance(outcome, Finished)
    assert outcome.text.strip() == "[The model declined to answer this.]"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "check ANTHROPIC_API_KEY"),
        (402, "scripted error 402"),
        (403, "check ANTHROPIC_API_KEY"),
        (404, "claude-haiku-5-5 is not available"),
        (429, "limiting our requests; try again"),
        (500, "HTTP 500"),
        (529, "overloaded"),
    ],
)
async def test_a_refusal_of_the_api_is_a_sentence(status: int, words: str, model: OfflineModel, tmp_path: Path) -> None:
    async with talk(tmp_path, model.url) as (conversation, listener):
        outcome = await failure(conversation, listener, script(text="hi", errors=[status] * 9))
    assert words in outcome.why
    assert outcome.partial == ""
    assert not outcome.interrupted
    assert len(model.requests) == 1


async def test_a_passing_overload_is_tried_again_unseen(model: OfflineModel, tmp_path: Path) -> None:
    async with talk(tmp_path, model.url, max_retries=2) as (conversation, listener):
        await conversation.prompt(new_prompt(script(text="hi", errors=[529])))
        outcome = await listener.outcome()
    assert isinstance(outcome, Finished)
    assert outcome.text == "hi"
    assert [request.attempt for request in model.requests] == [1, 2]


async def test_nobody_listening_is_a_sentence(tmp_path: Path, unused_tcp_port: int) -> None:
    async with talk(tmp_path, local(unused_tcp_port)) as (conversation, listener):
        outcome = await failure(conversation, listener, "hello")
    assert outcome.why.startswith("the model cannot be reached")
    assert listener.events[0] == outcome


async def test_a_connection_that_breaks_off_keeps_what_was_written(model: OfflineModel, tmp_path: Path) -> None:
    async with talk(tmp_path, model.url, max_retries=2) as (conversation, listener):
        outcome = await failure(
            conversation, listener, script(text="one two three four", token_delay=0.02, drop_after=2)
        )
    assert outcome.why == "the connection to the model broke off; try again"
    assert outcome.partial == listener.streamed
    assert "one" in outcome.partial
    assert len(model.requests) == 1


async def test_an_error_inside_the_stream_keeps_what_was_written(model: OfflineModel, tmp_path: Path) -> None:
    async with talk(tmp_path, model.url) as (conversation, listener):
        outcome = await failure(conversation, listener, script(text="one two", sse_error="Overloaded"))
    assert outcome.why == "the model is overloaded; try again in a few minutes"
    assert outcome.partial == "one two"
    assert any(isinstance(event, UsageReported) for event in listener.events)


async def test_a_model_that_never_answers_is_timed_out(model: OfflineModel, tmp_path: Path) -> None:
    async with talk(tmp_path, model.url, turn_timeout=0.1) as (conversation, listener):
        outcome = await failure(conversation, listener, script(text="hi", hang=True))
    assert outcome.timed_out
    assert not outcome.interrupted
    assert "in time" in outcome.why or "within 0.1 seconds" in outcome.why


async def test_a_model_that_stalls_in_its_answer_is_timed_out_with_the_partial_kept(
    model: OfflineModel, tmp_path: Path
) -> None:
    async with talk(tmp_path, model.url, turn_timeout=scaled(10)) as (conversation, listener):
        outcome = await failure(conversation, listener, script(text="one two three", token_delay=60))
    assert outcome.timed_out
    assert outcome.partial == listener.streamed != ""


async def test_an_interrupted_stream_leaves_the_server(tmp_path: Path) -> None:
    left = asyncio.Event()

    async def stream_for_ever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + START + text_event("one "))
        await writer.drain()
        await reader.read()  # ends when the client has gone
        left.set()

    async with raw_server(stream_for_ever) as port, talk(tmp_path, local(port)) as (conversation, listener):
        await conversation.prompt(new_prompt("hello"))
        await until(lambda: listener.streamed, "the first piece")
        await conversation.interrupt()
        outcome = await listener.outcome()
        await asyncio.wait_for(left.wait(), scaled(10))
    assert outcome == Failed(message_id=outcome.message_id, why="stopped on request", partial="one ", interrupted=True)


async def test_prompts_that_wait_behind_a_closed_turn_are_told(model: OfflineModel, tmp_path: Path) -> None:
    prompts = [new_prompt(script(text="hi", hang=True)) for _ in range(3)]
    async with talk(tmp_path, model.url) as (conversation, listener):
        for prompt in prompts:
            await conversation.prompt(prompt)
    assert listener.outcomes == [
        Failed(message_id=prompt.message_id, why="the conversation was closed", interrupted=True) for prompt in prompts
    ]


async def test_interrupt_stops_the_running_turn_only(model: OfflineModel, tmp_path: Path) -> None:
    async with talk(tmp_path, model.url) as (conversation, listener):
        await conversation.prompt(new_prompt(script(text="hi", hang=True)))
        await conversation.prompt(new_prompt("hello"))
        await conversation.interrupt()
        await listener.outcome(2)
    assert [type(outcome) for outcome in listener.outcomes] == [Failed, Finished]


async def test_a_stream_that_ends_too_early_is_a_failure(tmp_path: Path) -> None:
    async with (
        raw_server(send(START + text_event("one "))) as port,
        talk(tmp_path, local(port)) as (conversation, listener),
    ):
        outcome = await failure(conversation, listener, "hello")
    assert outcome.why == "the model's answer ended in the middle; try again"
    assert outcome.partial == "one "


UNREADABLE = "the model sent an answer that cannot be read; try again"

GARBAGE = {
    "no JSON": b"event: message_start\ndata: {broken\n\n",
    "an event of another shape": b'event: message_start\ndata: {"type": "message_start", "message": 7}\n\n',
    "no UTF-8": b"event: message_start\ndata: \xff\n\n",
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
async def test_an_unreadable_stream_is_asked_for_once_more_and_then_is_a_sentence(
    garbage: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    requests: list[bytes] = []
    async with (
        raw_server(send(garbage, requests=requests)) as port,
        talk(tmp_path, local(port)) as (conversation, listener),
    ):
        outcome = await failure(conversation, listener, "hello")
    assert outcome.why == UNREADABLE
    assert len(requests) == 2
    assert "session-1: turn" in caplog.text


async def test_bytes_that_are_not_what_their_head_says_are_a_sentence(tmp_path: Path) -> None:
    head = HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
    async with (
        raw_server(send(b"this is not gzip", head=head)) as port,
        talk(tmp_path, local(port)) as (conversation, listener),
    ):
        assert (await failure(conversation, listener, "hello")).why == UNREADABLE


async def test_an_answer_that_becomes_unreadable_begins_again(tmp_path: Path) -> None:
    broken = START + text_event("half an ans") + b"event: content_block_delta\ndata: {bro\n\n"
    whole = START + text_event("all of it") + END
    async with (
        raw_server(send(broken, whole)) as port,
        talk(tmp_path, local(port)) as (conversation, listener),
    ):
        await conversation.prompt(new_prompt("hello"))
        outcome = await listener.outcome()
    assert isinstance(outcome, Finished)
    assert outcome.text == "all of it"
    shown = "".join(event.text for event in listener.events if isinstance(event, TextDelta))
    assert shown == "half an ans\n\n[The answer became unreadable here. It begins again.]\n\nall of it"
    assert len([event for event in listener.events if isinstance(event, UsageReported)]) == 2, "both calls were paid"


async def test_it_follows_no_redirect(tmp_path: Path) -> None:
    head = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n"
    async with raw_server(send(b"", head=head)) as port, talk(tmp_path, local(port)) as (conversation, listener):
        outcome = await failure(conversation, listener, "hello")
    assert outcome.why == "the model refused the request: HTTP 307"


async def test_proxies_and_keys_of_the_environment_are_not_used(
    model: OfflineModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "the-real-key")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
    async with talk(tmp_path, model.url) as (conversation, listener):
        await conversation.prompt(new_prompt("hello"))
        assert isinstance(await listener.outcome(), Finished)


async def test_the_request_carries_the_token_of_the_session_and_the_log_never_does(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    requests: list[bytes] = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()

    async with raw_server(keep) as port, talk(tmp_path, local(port)) as (conversation, listener):
        outcome = await failure(conversation, listener, "hello")
    assert f"authorization: bearer {TOKEN}".encode() in requests[0].lower()
    assert TOKEN not in caplog.text
    assert TOKEN not in outcome.why


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def sse(event: str, **data: Any) -> bytes:
    return f"event: {event}\ndata: {json.dumps({'type': event, **data})}\n\n".encode()


def text_event(text: str) -> bytes:
    return sse("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


START = sse(
    "message_start",
    message={
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-5-5",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
) + sse("content_block_start", index=0, content_block={"type": "text", "text": ""})


END = (
    sse("content_block_stop", index=0)
    + sse("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 3})
    + sse("message_stop")
)


def send(*bodies: bytes, head: bytes = HEAD, requests: list[bytes] | None = None) -> Handler:
    """Return a server that answers with one body after the other, and with the last one from then on."""
    left = list(bodies)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if requests is not None:
            requests.append(request)
        writer.write(head + (left.pop(0) if len(left) > 1 else left[0]))
        await writer.drain()

    return handler
