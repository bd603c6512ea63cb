"""The answer of a model from the events of its stream, also from broken ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from anthropic import BaseModel
from anthropic._models import construct_type
from anthropic.types import RawMessageStreamEvent

from connectors.assistant.answer import Answer, WrittenCall
from connectors.assistant.failures import BROKEN_FORMAT, UnreadableAnswer
from supervisor.models.offline.reply import Reply, ToolUse, stream_events
from supervisor.protocol.conversation import TextDelta, Tokens, ToolBegun

USAGE = {"input_tokens": 10, "output_tokens": 7, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 4}


def event(raw: Mapping[str, Any]) -> RawMessageStreamEvent:
    """Return an event as the client makes it from the stream: unchecked."""
    made = construct_type(type_=RawMessageStreamEvent, value=raw)
    assert isinstance(made, BaseModel)
    return made  # type: ignore[return-value]


def taken(raws: Iterable[Mapping[str, Any]]) -> tuple[Answer, list[TextDelta | ToolBegun]]:
    answer = Answer()
    return answer, [seen for raw in raws if (seen := answer.take(event(raw))) is not None]


def whole(reply: Reply) -> Iterable[Mapping[str, Any]]:
    return stream_events(reply.message("m-1", 10))


def test_text_and_calls_come_in_order_and_are_repeated_to_the_model() -> None:
    call = ToolUse(name="look", input={"a": [1, 2]}, id="toolu_1")
    answer, seen = taken(whole(Reply(text="one two", tools=(call,), usage=USAGE)))
    assert seen == [TextDelta(text="one"), TextDelta(text=" two"), ToolBegun(tool_use_id="toolu_1", name="look")]
    assert answer.calls == [WrittenCall(id="toolu_1", name="look", input={"a": [1, 2]})]
    assert answer.content() == [
        {"type": "text", "text": "one two"},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"a": [1, 2]}},
    ]
    assert (answer.complete, answer.stop_reason) == (True, "tool_use")


def test_usage_is_that_of_the_end() -> None:
    answer, _ = taken(whole(Reply(text="hi", usage=USAGE)))
    used = answer.usage()
    assert used is not None
    assert used.model == "m-1"
    assert used.tokens == Tokens(input=10, output=7, cache_read=3, cache_write_5m=4)


def test_usage_of_a_stream_that_broke_off_is_that_of_its_beginning() -> None:
    answer, _ = taken(list(whole(Reply(text="hi there", usage=USAGE)))[:3])
    used = answer.usage()
    assert used is not None
    assert (used.tokens.input, used.tokens.output) == (10, 1)
    assert not answer.complete


def test_before_the_beginning_nothing_is_used() -> None:
    assert Answer().usage() is None


@pytest.mark.parametrize("written", ["{oops", "[1]", '"text"', "[" * 100_000])
def test_an_input_that_is_no_object_is_told_from_an_empty_one(written: str) -> None:
    answer, _ = taken(whole(Reply(tools=(ToolUse(name="look", input={}, written=written),))))
    assert [call.input for call in answer.calls] == [None]
    assert answer.content()[0]["input"] == {}  # type: ignore[typeddict-item]


def test_a_call_without_input_has_an_empty_one() -> None:
    answer, _ = taken(
        raw for raw in whole(Reply(tools=(ToolUse(name="look", input={}),))) if raw["type"] != "content_block_delta"
    )
    assert [call.input for call in answer.calls] == [{}]


def test_blocks_of_later_versions_are_left_out() -> None:
    thinking = {"type": "thinking", "thinking": "hm", "signature": "s"}
    answer, seen = taken(
        [
            *list(whole(Reply(text="hi")))[:1],
            {"type": "content_block_start", "index": 0, "content_block": thinking},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
            {"type": "content_block_stop", "index": 0},
        ]
    )
    assert seen == []
    assert answer.content() == []


START: Mapping[str, Any] = next(iter(whole(Reply(text="hi"))))
TEXT_BLOCK = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
CALL_BLOCK = {
    "type": "content_block_start",
    "index": 0,
    "content_block": {"type": "tool_use", "id": "t", "name": "n", "input": {}},
}


@pytest.mark.parametrize(
    "raws",
    [
        [{"type": "message_start", "message": 7}],
        [{"type": "message_start", "message": {"usage": {"input_tokens": "many"}}}],
        [START, {"type": "content_block_delta", "index": 3, "delta": {"type": "text_delta", "text": "x"}}],
        [START, TEXT_BLOCK, {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": 7}}],
        [START, CALL_BLOCK, {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}}],
        [
            START,
            TEXT_BLOCK,
            {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{"}},
        ],
        [START, {**CALL_BLOCK, "content_block": {"type": "tool_use", "id": 7, "name": "n", "input": {}}}],
        [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}],
        [START, {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}}],
    ],
)
def test_a_stream_that_breaks_the_rules_is_found_out(raws: list[Mapping[str, Any]]) -> None:
    with pytest.raises((*BROKEN_FORMAT, UnreadableAnswer)):
        taken(raws)
