from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.models.gateway.usage import LONGEST_EVENT, MessageReader, StreamReader, read_tokens
from supervisor.models.offline.reply import Reply, ToolUse, encode_event, stream_events
from supervisor.protocol.conversation import Tokens

REPLY = Reply(
    text="some words to stream, ü and 😀",
    tools=(ToolUse(name="Bash", input={"command": "ls"}),),
    usage={"input_tokens": 10, "output_tokens": 20, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 40},
)
TOKENS = Tokens(input=10, output=20, cache_read=30, cache_write_5m=40)


def stream(reply: Reply = REPLY) -> bytes:
    return b"".join(map(encode_event, stream_events(reply.message("m", 1))))


def read(*pieces: bytes) -> StreamReader:
    reader = StreamReader()
    for piece in pieces:
        reader.feed(piece)
    return reader


def event(kind: str, **fields: Any) -> bytes:
    return encode_event({"type": kind, **fields})


def start(**usage: Any) -> bytes:
    return event("message_start", message={"model": "m", "usage": usage})


def test_whole_stream_gives_the_final_counts() -> None:
    reader = read(stream())
    assert (reader.model, reader.tokens, reader.complete, reader.ended) == ("m", TOKENS, True, True)


@given(st.lists(st.integers(min_value=0, max_value=len(stream())), max_size=20))
def test_stream_may_be_cut_anywhere(cuts: list[int]) -> None:
    whole = stream()
    edges = [0, *sorted(cuts), len(whole)]
    reader = read(*(whole[a:b] for a, b in itertools.pairwise(edges)))
    assert (reader.tokens, reader.complete) == (TOKENS, True)


def test_nothing_is_known_before_the_stream_begins() -> None:
    reader = read(event("ping"))
    assert (reader.model, reader.tokens, reader.ended) == (None, Tokens(), False)


def test_broken_stream_is_estimated_from_what_was_written() -> None:
    deltas = [
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": "x" * 10}),
        event("content_block_delta", index=1, delta={"type": "thinking_delta", "thinking": "x" * 10}),
        event("content_block_delta", index=2, delta={"type": "input_json_delta", "partial_json": "x" * 21}),
        event("content_block_delta", index=1, delta={"type": "signature_delta", "signature": "x" * 500}),
    ]
    reader = read(start(input_tokens=7, output_tokens=1), *deltas)
    assert (reader.tokens, reader.complete) == (Tokens(input=7, output=11), False)


def test_thoughts_that_are_not_shown_are_estimated_from_their_signature() -> None:
    delta = {"type": "signature_delta", "signature": "x" * 4000}
    reader = read(start(input_tokens=10, output_tokens=1), event("content_block_delta", delta=delta))
    assert reader.tokens == Tokens(input=10, output=1000)


def test_tokens_of_compactions_are_added() -> None:
    steps = [
        {"type": "compaction", "input_tokens": 180_000, "output_tokens": 3_500, "cache_read_input_tokens": 7},
        {"type": "message", "input_tokens": 23_000, "output_tokens": 1_000},
        "odd",
    ]
    usage = {"input_tokens": 23_000, "output_tokens": 1_000, "iterations": steps}
    reader = read(start(), event("message_delta", delta={"stop_reason": "end_turn"}, usage=usage))
    assert reader.tokens == Tokens(input=203_000, output=4_500, cache_read=7)


def test_interim_count_is_not_the_final_one() -> None:
    reader = read(
        start(input_tokens=7, output_tokens=1),
        event("message_delta", delta={"stop_reason": None}, usage={"output_tokens": 50}),
    )
    assert (reader.tokens.output, reader.complete) == (50, False)


def test_counts_missing_in_a_later_report_are_kept() -> None:
    split = {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4}
    reader = read(
        start(input_tokens=7, cache_creation_input_tokens=7, cache_creation=split, output_tokens=1),
        event("message_delta", delta={"stop_reason": "end_turn"}, usage={"input_tokens": 0, "output_tokens": 9}),
    )
    assert reader.tokens == Tokens(input=7, output=9, cache_write_5m=3, cache_write_1h=4)


def test_cache_writes_without_a_split_are_those_of_five_minutes() -> None:
    assert read_tokens({"cache_creation_input_tokens": 5}) == Tokens(cache_write_5m=5)
    split = {"cache_creation_input_tokens": 5, "cache_creation": {"ephemeral_1h_input_tokens": 2}}
    assert read_tokens(split) == Tokens(cache_write_5m=3, cache_write_1h=2)


def test_error_event_ends_the_stream_without_final_counts() -> None:
    reader = read(start(input_tokens=7), event("error", error={"type": "overloaded_error", "message": "m"}))
    assert (reader.ended, reader.complete) == (True, False)


def test_carriage_returns_do_not_disturb() -> None:
    assert read(stream().replace(b"\n", b"\r\n")).tokens == TOKENS


@pytest.mark.parametrize("model", ["m\ud83d", "m\0"])
def test_a_model_that_no_store_keeps_can_be_booked(model: str) -> None:
    reader = StreamReader()
    start = json.dumps({"type": "message_start", "message": {"model": model, "usage": {"input_tokens": 3}}})
    reader.feed(f"data: {start}\n".encode())
    assert (reader.model, reader.tokens.input) == ("m\ufffd", 3)


def test_endless_line_is_not_kept() -> None:
    reader = read(b"data: " + b"x" * LONGEST_EVENT, b"y", b"\n", stream())
    assert reader.tokens == TOKENS


@given(
    st.lists(
        st.binary() | st.sampled_from([b"data: {", b"data: []", b"\n", b'data: {"type":"message_start"}']), max_size=9
    )
)
def test_no_bytes_break_the_stream_reader(pieces: list[bytes]) -> None:
    read(*pieces)


@pytest.mark.parametrize("message", [None, 1, "x", {"usage": 1}, {"model": 1, "usage": {"input_tokens": "x"}}])
def test_odd_message_counts_nothing(message: object) -> None:
    assert read(event("message_start", message=message)).tokens == Tokens()


def test_unstreamed_answer_is_read_at_its_end() -> None:
    body = json.dumps(REPLY.message("m", 1)).encode()
    reader = MessageReader()
    reader.feed(body[:50])
    reader.feed(body[50:])
    assert not reader.ended
    reader.close()
    assert (reader.model, reader.tokens, reader.complete, reader.ended) == ("m", TOKENS, True, True)


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b'{"type": "error"}'])
def test_unstreamed_answer_that_is_no_message_counts_nothing(body: bytes) -> None:
    reader = MessageReader()
    reader.feed(body)
    reader.close()
    assert (reader.model, reader.complete) == (None, False)
