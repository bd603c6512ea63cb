"""Recorded frames of Claude Code 2.1.329 become events, and no input breaks the reader."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.claude_code.protocol.frames import Message, parse_frame
from connectors.claude_code.protocol.turns import ALREADY_SEEN, MAX_CALLS, MAX_RESULT, MAX_TEXT, Flooded, TurnReader
from connectors.claude_code.protocol.usage import read_usage
from supervisor.protocol.conversation import (
    ConversationEvent,
    Failed,
    Finished,
    TextDelta,
    Tokens,
    ToolFinished,
    ToolStarted,
    UsageReported,
)
from supervisor.protocol.messages import MessageId

GOLDEN = Path(__file__).with_name("golden")


def golden(name: str) -> list[Message]:
    frames = [parse_frame(line) for line in (GOLDEN / f"{name}.jsonl").read_bytes().splitlines()]
    return [frame for frame in frames if isinstance(frame, Message)]


def prompt_of(messages: list[Message]) -> MessageId:
    """Return the uuid of the prompt that a recording is about."""
    return next(MessageId(m.body["command_uuid"]) for m in messages if m.type == "command_lifecycle")


def play(name: str, *, stopping: str = "", timed_out: bool = False) -> tuple[MessageId, list[ConversationEvent]]:
    messages = golden(name)
    message_id = prompt_of(messages)
    reader = TurnReader()
    reader.written(message_id)
    if stopping:
        reader.stopping(stopping, timed_out=timed_out)
    events = [event for message in messages for event in reader.receive(message)]
    assert not reader.busy
    return message_id, events


def result(**fields: Any) -> Message:
    body = {"type": "result", "subtype": "success", "is_error": False, "result": "hi", "user_message_uuids": ["m1"]}
    return Message(type="result", body=body | fields)


def reading(*message_ids: str) -> TurnReader:
    reader = TurnReader()
    for message_id in message_ids:
        reader.written(MessageId(message_id))
    return reader


def test_an_answer_is_streamed_paid_and_finished() -> None:
    message_id, events = play("answer")
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "hello there"
    usage, finished = events[-2:]
    assert isinstance(usage, UsageReported)
    assert usage.model == "claude-opus-5-5"
    assert usage.tokens.input > 0
    assert usage.tokens.output > 0
    assert usage.provider_nanos == usage.tokens.input * 4000 + usage.tokens.output * 20000
    assert finished == Finished(message_id=message_id, text="hello there", stop_reason="end_turn")


def test_tool_calls_start_and_end_once_each() -> None:
    _, events = play("tools")
    started = [event for event in events if isinstance(event, ToolStarted)]
    ended = {event.tool_use_id: event for event in events if isinstance(event, ToolFinished)}
    assert [tool.name for tool in started] == ["Write", "Read", "Edit"]
    assert started[0].input == {"file_path": "notes.txt", "content": "hi"}
    assert [ended[tool.tool_use_id].failed for tool in started] == [False, True, True]
    assert "not in this test" in ended[started[2].tool_use_id].result
    assert len(ended) == 3


def test_text_of_separate_messages_is_set_apart() -> None:
    _, events = play("tools")
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "I write.\n\nall done"
    assert isinstance(events[-1], Finished)
    assert events[-1].text == "all done"


def test_a_subagents_tools_are_seen_and_its_text_is_not() -> None:
    _, events = play("subagent")
    assert [event.name for event in events if isinstance(event, ToolStarted)] == ["Agent", "Glob"]
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "main done"


@pytest.mark.parametrize("name", ["interrupted_text", "interrupted_tool"])
def test_an_interrupted_turn_fails_as_interrupted(name: str) -> None:
    message_id, events = play(name, stopping="because you said so")
    assert isinstance(events[-1], Failed)
    assert events[-1].message_id == message_id
    assert events[-1].interrupted
    assert not events[-1].timed_out
    assert events[-1].why == "because you said so"


def test_what_was_written_before_an_interrupt_is_kept() -> None:
    _, events = play("interrupted_text")
    assert isinstance(events[-1], Failed)
    assert events[-1].partial.startswith("one")


def test_a_turn_that_the_watchdog_stopped_has_timed_out() -> None:
    _, events = play("interrupted_tool", stopping="it took too long", timed_out=True)
    assert isinstance(events[-1], Failed)
    assert events[-1].timed_out
    assert not events[-1].interrupted


def test_a_prompt_interrupted_before_it_began_has_no_result_and_fails() -> None:
    message_id, events = play("cancelled_in_queue", stopping="it was interrupted")
    assert events == [Failed(message_id=message_id, why="it was interrupted", interrupted=True)]


def test_a_refused_api_call_is_a_failure_though_its_subtype_is_success() -> None:
    message_id, events = play("api_error")
    failed = events[-1]
    assert isinstance(failed, Failed)
    assert failed.message_id == message_id
    assert failed.why.startswith("API Error: 402")
    assert not failed.interrupted


def test_going_idle_twice_without_a_word_on_a_prompt_means_that_it_was_dropped() -> None:
    reader = reading("00000000-0000-7000-8000-000000000001")
    for message in golden("known_already"):
        assert reader.receive(message) == []
    assert reader.ignored
    assert reader.busy


def test_the_idle_of_the_last_turn_says_nothing_of_the_next_prompt() -> None:
    messages = golden("answer")
    reader = TurnReader()
    reader.written(prompt_of(messages))
    for message in messages[:-1]:
        reader.receive(message)
    reader.written(MessageId("next"))
    assert messages[-1].body["state"] == "idle"
    reader.receive(messages[-1])
    assert not reader.ignored


def test_a_prompt_completed_without_a_result_fails() -> None:
    reader = reading("m1")
    lifecycle = {"type": "command_lifecycle", "command_uuid": "m1", "state": "completed"}
    assert reader.receive(Message(type="command_lifecycle", body=lifecycle)) == [
        Failed(message_id=MessageId("m1"), why=ALREADY_SEEN)
    ]


def test_a_result_that_names_no_prompt_of_ours_belongs_to_nobody() -> None:
    reader = reading("m1")
    events = reader.receive(result(user_message_uuids=["somebody-else"], origin={"kind": "task-notification"}))
    assert events == [Finished(message_id=None, text="hi")]
    assert reader.busy


def test_one_result_may_end_several_prompts() -> None:
    reader = reading("m1", "m2")
    events = reader.receive(result(user_message_uuids=["m1", "m2"]))
    assert [event.message_id for event in events if isinstance(event, Finished)] == ["m1", "m2"]


def test_an_error_without_text_names_its_kind() -> None:
    events = reading("m1").receive(
        result(subtype="error_during_execution", is_error=True, result=None, errors=["[ede_diagnostic] x=y"])
    )
    assert events == [
        Failed(message_id=MessageId("m1"), why="it ended the turn without an answer (error_during_execution)")
    ]


def test_too_many_steps_are_said_in_words() -> None:
    events = reading("m1").receive(result(subtype="error_max_turns", is_error=True, result=None))
    assert events == [Failed(message_id=MessageId("m1"), why="it stopped after the maximum number of steps")]


def test_usage_is_split_by_model_and_by_life_of_the_cache() -> None:
    entry = {
        "inputTokens": 10,
        "outputTokens": 5,
        "cacheReadInputTokens": 7,
        "cacheCreationInputTokens": 9,
        "cacheCreationEphemeral1hInputTokens": 4,
        "costUSD": 0.00028000000000000003,
        "costBasis": "list",
    }
    events = reading("m1").receive(result(model_usage_since_last_result={"a": entry, "b": {"inputTokens": 1}}))
    assert events[:2] == [
        UsageReported(
            model="a",
            tokens=Tokens(input=10, output=5, cache_read=7, cache_write_5m=5, cache_write_1h=4),
            provider_nanos=280_000,
        ),
        UsageReported(model="b", tokens=Tokens(input=1), provider_nanos=None),
    ]


def test_results_that_nobody_asked_for_allow_a_flood_no_more_than_one_turn_may_say() -> None:
    delta = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "y" * (MAX_TEXT // 2)}}
    text = Message(type="stream_event", body={"event": delta, "parent_tool_use_id": None})
    reader = reading("m1")
    for message in (text, result(), text, result()):
        reader.receive(message)
    with pytest.raises(Flooded):
        reader.receive(text)
    reader.written(MessageId("m2"))
    assert reader.receive(text)


def test_nor_do_they_allow_more_calls() -> None:
    def call(number: int) -> Message:
        block = {"type": "tool_use", "name": "Bash", "input": {}, "id": str(number)}
        return Message(type="assistant", body={"message": {"content": [block]}})

    reader = reading("m1")
    for number in range(MAX_CALLS):
        reader.receive(call(number))
        reader.receive(result())
    with pytest.raises(Flooded):
        reader.receive(call(MAX_CALLS))


def test_a_guessed_price_is_none() -> None:
    usage = {"mystery": {"inputTokens": 1, "costUSD": 0.5, "costBasis": "unknown"}}
    reported = reading("m1").receive(result(model_usage_since_last_result=usage))[0]
    assert isinstance(reported, UsageReported)
    assert reported.provider_nanos is None


@pytest.mark.parametrize("dollars", [1e300, "1e999999", -5, "Infinity", "NaN", [], True])
def test_a_figure_that_cannot_be_is_none(dollars: object) -> None:
    usage = {"m": {"inputTokens": 10**30, "outputTokens": 7, "costUSD": dollars}}
    (reported,) = read_usage({"model_usage_since_last_result": usage})
    assert reported.tokens == Tokens(output=7)
    assert reported.provider_nanos is None


def test_the_end_of_the_process_fails_every_prompt_with_what_was_written() -> None:
    reader = reading("m1", "m2")
    delta = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "half"}}
    reader.receive(Message(type="stream_event", body={"event": delta, "parent_tool_use_id": None}))
    assert reader.abandon("it died") == [
        Failed(message_id=MessageId("m1"), why="it died", partial="half"),
        Failed(message_id=MessageId("m2"), why="it died", partial="half"),
    ]
    assert not reader.busy


def test_a_notice_stands_above_the_first_answer_only() -> None:
    reader = TurnReader(notice="Started anew. ")
    reader.written(MessageId("m1"))
    first = reader.receive(result())
    reader.written(MessageId("m1"))
    assert first == [Finished(message_id=MessageId("m1"), text="Started anew. hi")]
    assert reader.receive(result()) == [Finished(message_id=MessageId("m1"), text="hi")]


def test_a_tools_output_is_cut() -> None:
    reader = reading("m1")
    use = {"type": "tool_use", "id": "t", "name": "Bash", "input": {}}
    reader.receive(Message(type="assistant", body={"message": {"content": [use]}}))
    output = {"type": "tool_result", "tool_use_id": "t", "content": "x" * 10 * MAX_RESULT}
    (ended,) = reader.receive(Message(type="user", body={"message": {"content": [output]}}))
    assert isinstance(ended, ToolFinished)
    assert len(ended.result) == MAX_RESULT


def broken_bodies() -> Iterator[Message]:
    """Every recorded message with each of its fields, and those one level below, replaced by something else."""
    for path in sorted(GOLDEN.glob("*.jsonl")):
        for message in golden(path.stem):
            for key, value in message.body.items():
                for wrong in (None, 7, "text", [], [None], {}, {"content": "x"}):
                    yield Message(type=message.type, body={**message.body, key: wrong})
                    if isinstance(value, dict):
                        for inner in value:
                            yield Message(type=message.type, body={**message.body, key: {**value, inner: wrong}})


def test_no_field_of_a_wrong_kind_breaks_the_reader() -> None:
    reader = TurnReader()
    for message in broken_bodies():
        reader.written(MessageId("m1"))
        reader.receive(message)


def test_unknown_messages_are_ignored() -> None:
    reader = reading("m1")
    assert reader.receive(Message(type="brand_new", body={"type": "brand_new"})) == []
    assert reader.busy


def test_recordings_hold_nothing_of_the_machine_they_were_made_on() -> None:
    for path in GOLDEN.glob("*.jsonl"):
        text = path.read_text()
        assert "/tmp/" not in text
        assert all(json.loads(line) for line in text.splitlines())
