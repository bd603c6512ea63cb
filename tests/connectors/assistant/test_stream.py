"""The events of a stream, in pieces of any size, and streams that break the rules."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.assistant.stream import MAX_LINE, Event, Stream


def sse(kind: str, **data: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data}, ensure_ascii=False)}\n\n".encode()


START = sse("message_start", message={"model": "m-1", "usage": {"input_tokens": 3, "output_tokens": 1}})
TEXT = sse("content_block_delta", delta={"type": "text_delta", "text": "one\u2028two ü"})
END = sse("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 9, "input_tokens": None})


def stream_of(content: bytes, size: int = 65_536) -> Stream:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(content), size):
            yield content[start : start + size]

    return Stream(pieces(), lambda body: LookupError(str(body)))


@pytest.mark.parametrize("size", [1, 7, 65_536])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
async def test_events_add_up_to_a_message(size: int, ending: bytes) -> None:
    stream = stream_of((b": a comment\n\n" + START + sse("ping") + TEXT + END).replace(b"\n", ending), size)
    events = [event async for event in stream]
    assert events == [
        Event(type="message_start"),
        Event(type="ping"),
        Event(type="text", text="one\u2028two ü"),
        Event(type="message_delta"),
    ]
    assert stream.message.model == "m-1"
    assert stream.message.stop_reason == "end_turn"
    assert (stream.message.tokens("input_tokens"), stream.message.tokens("output_tokens")) == (3, 9)
    assert stream.message.tokens("cache_creation", "ephemeral_5m_input_tokens") == 0


async def test_an_event_that_is_cut_off_is_none() -> None:
    assert [event async for event in stream_of(START[:-1])] == []


async def test_half_a_surrogate_pair_and_nul_are_replaced() -> None:
    content = START + b'data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"a\\ud83d\\u0000"}}\n\n'
    assert [event.text async for event in stream_of(content)][-1] == "a\ufffd\ufffd"


async def test_an_error_inside_the_stream_is_raised() -> None:
    with pytest.raises(LookupError, match="overloaded_error"):
        [event async for event in stream_of(START + sse("error", error={"type": "overloaded_error"}))]


@pytest.mark.parametrize(
    "content",
    [
        b"data: {broken\n\n",
        b"data: \xff\n\n",
        b"data: []\n\n",
        b"data: {}\n\n",
        b"data: " + b"[" * 100_000 + b"\n\n",
        b"data: " + b"x" * MAX_LINE,
        sse("message_start"),
        sse("message_start", message={"model": 1, "usage": {}}),
        sse("message_start", message={"model": "m", "usage": 1}),
        sse("content_block_delta", delta={"type": "text_delta"}),
        sse("content_block_delta", delta=7),
        END,
        START + sse("message_delta", delta={"stop_reason": 7}, usage={}),
        START + sse("message_delta", delta={"stop_reason": "end_turn"}, usage=[1]),
    ],
)
async def test_a_stream_that_breaks_the_rules_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError):
        [event async for event in stream_of(content)]


@pytest.mark.parametrize("number", [-1, True, "7", 1.5, {}])
async def test_a_number_of_tokens_that_is_none_is_a_value_error(number: object) -> None:
    stream = stream_of(sse("message_start", message={"model": "m", "usage": {"input_tokens": number}}))
    with pytest.raises(ValueError, match=r"usage\.input_tokens"):
        [event async for event in stream]
