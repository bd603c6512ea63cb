from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.remote.frames import Answer, BadFrame, encode_prompt, parse_answer
from supervisor.protocol.conversation import Prompt
from supervisor.protocol.messages import MessageId, SessionId

NOON = datetime(2026, 1, 2, 14, 3, 4, 567891, tzinfo=timezone(timedelta(hours=2)))


def frame(**fields: Any) -> str:
    return json.dumps({"message_id": "m1", "content": "hi", "status": "success", **fields})


def test_a_prompt_has_the_five_fields_of_the_protocol() -> None:
    prompt = Prompt(message_id=MessageId("m1"), text="zwei\nZeilen 🐝", context={"a": [1]})
    assert json.loads(encode_prompt(SessionId("s1"), prompt, NOON)) == {
        "id": "m1",
        "session_id": "s1",
        "content": "zwei\nZeilen 🐝",
        "timestamp": "2026-01-02T12:03:04.567Z",
        "context": {"a": [1]},
    }


def test_a_prompt_without_context_says_null() -> None:
    encoded = encode_prompt(SessionId("s1"), Prompt(message_id=MessageId("m1"), text="hi"), NOON)
    assert json.loads(encoded)["context"] is None


def test_an_answer_is_read_and_its_extra_fields_are_ignored() -> None:
    answer = parse_answer(frame(cost_usd=0.5, id="x", timestamp="now", more={"a": 1}))
    assert answer == Answer(message_id="m1", content="hi", failure="", cost_nanos=500_000_000)


@pytest.mark.parametrize(
    ("cost_usd", "nanos"),
    [
        ("0", 0),
        ("0.1", 100_000_000),
        ("0.0123456789", 12_345_679),
        ("1e-9", 1),
        ("3", 3_000_000_000),
        ("1000000", 10**15),
        ("null", None),
        ("-0.1", None),
        ("1000000.1", None),
        ("1e400", None),
        ("NaN", None),
        ("Infinity", None),
        ("true", None),
        ('"0.1"', None),
        ("[1]", None),
    ],
)
def test_only_a_believable_cost_counts(cost_usd: str, nanos: int | None) -> None:
    text = f'{{"message_id": "m1", "content": "hi", "status": "success", "cost_usd": {cost_usd}}}'
    assert parse_answer(text) == Answer(message_id="m1", content="hi", failure="", cost_nanos=nanos)


@pytest.mark.parametrize(
    ("fields", "failure"),
    [
        ({"status": "error", "content": " no such model "}, "no such model"),
        ({"status": "error", "content": ""}, "the remote Claude Code failed without saying why"),
        ({"status": "error", "content": None}, "the remote Claude Code failed without saying why"),
        ({"status": "maybe"}, "the remote Claude Code sent an answer that cannot be read"),
        ({"status": None}, "the remote Claude Code sent an answer that cannot be read"),
        ({"status": ["success"]}, "the remote Claude Code sent an answer that cannot be read"),
        ({"content": 7}, "the remote Claude Code sent an answer that cannot be read"),
    ],
)
def test_whatever_is_no_success_is_a_failure_with_a_sentence(fields: dict[str, Any], failure: str) -> None:
    assert parse_answer(frame(**fields)).failure == failure


def test_half_a_surrogate_pair_does_not_get_in() -> None:
    assert parse_answer(frame(content="a\ud800b")).content == "a\ufffdb"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("1" * 5000, "not JSON"),
        ('{"cost_usd": 1e99999999999999999999}', "not JSON"),
        ("[]", "not an object"),
        ("null", "not an object"),
        ("{}", "message_id: must be a string"),
        ('{"message_id": 1}', "message_id: must be a string"),
    ],
)
def test_a_frame_that_answers_nothing_says_what_is_wrong(text: str, problem: str) -> None:
    with pytest.raises(BadFrame) as caught:
        parse_answer(text)
    assert str(caught.value) == problem


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(["message_id", "content", "status", "cost_usd", "id"]), JSON))
def test_no_object_breaks_the_reader(fields: dict[str, Any]) -> None:
    try:
        answer = parse_answer(json.dumps(fields))
    except BadFrame:
        return
    assert answer.message_id == fields["message_id"]
    assert answer.cost_nanos is None or answer.cost_nanos >= 0
