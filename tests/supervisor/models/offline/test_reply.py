from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from supervisor.models.offline.reply import INPUT_CAP, Reply, ToolUse, encode_event, stream_events


def test_stream_has_the_events_of_the_api_in_their_order() -> None:
    reply = Reply(text="two words", tools=(ToolUse(name="Bash", input={"command": "ls"}, id="toolu_1"),))
    message = reply.message("m", 40)
    events = list(stream_events(message))
    assert [event["type"] for event in events] == [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert events[0]["message"]["usage"] == {**message["usage"], "output_tokens": 1}
    assert events[0]["message"]["content"] == []
    assert events[6]["content_block"] == {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}}
    assert events[-2]["delta"]["stop_reason"] == "tool_use"
    assert events[-2]["usage"]["output_tokens"] == message["usage"]["output_tokens"]


@given(st.text())
def test_deltas_join_to_the_text(text: str) -> None:
    events = stream_events(Reply(text=text).message("m", 1))
    deltas = [event["delta"]["text"] for event in events if event["type"] == "content_block_delta"]
    assert "".join(deltas) == text


@given(st.dictionaries(st.text(), st.text() | st.integers()))
def test_deltas_join_to_the_tool_input(given_input: dict[str, object]) -> None:
    message = Reply(tools=(ToolUse(name="T", input=given_input),)).message("m", 1)
    deltas = [e["delta"]["partial_json"] for e in stream_events(message) if e["type"] == "content_block_delta"]
    assert json.loads("".join(deltas)) == given_input


@given(st.text())
def test_event_is_one_line_of_data(text: str) -> None:
    lines = encode_event({"type": "x", "text": text}).split(b"\n")
    assert (lines[0], lines[2:]) == (b"event: x", [b"", b""])
    assert json.loads(lines[1].removeprefix(b"data: ")) == {"type": "x", "text": text}


def test_usage_follows_the_lengths() -> None:
    usage = Reply(text="x" * 40).full_usage(input_characters=401)
    assert (usage["input_tokens"], usage["output_tokens"]) == (101, 10)


def test_input_is_never_reported_large_enough_to_compact() -> None:
    assert Reply().full_usage(input_characters=10**9)["input_tokens"] == INPUT_CAP


def test_scripted_usage_replaces_the_estimate() -> None:
    usage = Reply(usage={"input_tokens": 3, "cache_creation_input_tokens": 5}).full_usage(1000)
    assert usage["input_tokens"] == 3
    assert usage["cache_creation"] == {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 0}


def test_scripted_split_of_cache_writes_gives_their_sum() -> None:
    split = {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3}
    assert Reply(usage={"cache_creation": split}).full_usage(10)["cache_creation_input_tokens"] == 5


def test_answer_without_anything_still_has_a_block() -> None:
    assert Reply().message("m", 0)["content"] == [{"type": "text", "text": ""}]
