"""Frames of the chat as JSON, in both directions."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.protocol.errors import InvalidMessage
from supervisor.wires.chat import frames
from supervisor.wires.chat.codec import TYPES, decode, encode


def text_of(frame: frames.ServerFrame, seq: int = 7) -> dict[str, Any]:
    found = json.loads(encode(frame, seq))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("given", "frame"),
    [
        ({"type": "user_message", "content": "hi"}, frames.UserMessage(content="hi")),
        (
            {"type": "user_message", "content": "hi", "session_id": None, "mode": None, "more": [1]},
            frames.UserMessage(content="hi"),
        ),
        (
            {"type": "user_message", "content": "hi", "session_id": "a-1", "mode": "steer", "external_id": "e"},
            frames.UserMessage(content="hi", session_id="a-1", mode="steer", external_id="e"),
        ),
        ({"type": "interrupt"}, frames.Interrupt()),
        ({"type": "get_history"}, frames.GetHistory()),
        ({"type": "get_history", "before": "m", "limit": 5}, frames.GetHistory(before="m", limit=5)),
        ({"type": "resume", "after_seq": 0}, frames.Resume(after_seq=0)),
        ({"type": "confirm", "id": "a", "decision": "allow"}, frames.Confirm(id="a", decision="allow")),
        (
            {"type": "confirm", "id": "a", "decision": "deny", "note": "no"},
            frames.Confirm(id="a", decision="deny", note="no"),
        ),
        ({"type": "edit", "message_id": "m", "content": "x"}, frames.Edit(message_id="m", content="x")),
        ({"type": "typing"}, frames.Typing()),
    ],
)
def test_what_clients_send(given: dict[str, Any], frame: frames.ClientFrame) -> None:
    assert decode(json.dumps(given)) == frame


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("", "the frame must be JSON: "),
        ("{", "the frame must be JSON: "),
        ("[]", "the frame must be a JSON object, not a list"),
        ('"hi"', "the frame must be a JSON object, not a string"),
        ("null", "the frame must be a JSON object, not null"),
        ("7", "the frame must be a JSON object, not a number"),
        ('{"type": "user_message", "content": NaN}', "the frame must be JSON: "),
        ({}, "type: field required"),
        ({"type": 5}, f"type: must be one of {', '.join(TYPES)}"),
        ({"type": "token", "content": "x"}, f"type: must be one of {', '.join(TYPES)}"),
        ({"type": "user_message"}, "user_message.content: field required"),
        ({"type": "user_message", "content": 5}, "user_message.content: must be a string"),
        ({"type": "user_message", "content": ""}, "user_message.content: must not be empty"),
        ({"type": "user_message", "content": " \n"}, "user_message.content: must not be blank"),
        (
            {"type": "user_message", "content": "x" * 1_000_001},
            "user_message.content: must have at most 1000000 characters",
        ),
        (
            {"type": "user_message", "content": "x", "session_id": "a/b"},
            "user_message.session_id: must match [A-Za-z0-9._-]{1,64}",
        ),
        (
            {"type": "user_message", "content": "x", "mode": "followup"},
            "user_message.mode: must be 'queue', 'steer' or 'interrupt'",
        ),
        ({"type": "resume"}, "resume.after_seq: field required"),
        ({"type": "resume", "after_seq": "1"}, "resume.after_seq: must be a whole number"),
        ({"type": "resume", "after_seq": -1}, "resume.after_seq: must be at least 0"),
        ({"type": "resume", "after_seq": 1.5}, "resume.after_seq: must be a whole number"),
        ({"type": "resume", "after_seq": True}, "resume.after_seq: must be a whole number"),
        ({"type": "confirm", "id": "a", "decision": "yes"}, "confirm.decision: must be 'allow' or 'deny'"),
        (
            {"type": "confirm", "id": "a", "decision": "deny", "note": "x" * 1001},
            "confirm.note: must have at most 1000 characters",
        ),
        ({"type": "edit", "content": "x"}, "edit.message_id: field required"),
        ({"type": "resume", "after_seq": 1, "open": ["m"] * 101}, "resume.open: must have at most 100 items"),
        ({"type": "resume", "after_seq": 1, "open": "m"}, "resume.open: must be a list"),
        (
            {"type": "user_message", "content": "x", "attachments": ["f"] * 101},
            "user_message.attachments: must have at most 100 items",
        ),
    ],
)
def test_what_is_no_frame_names_the_field(given: Any, error: str) -> None:
    text = given if isinstance(given, str) else json.dumps(given)
    with pytest.raises(InvalidMessage) as caught:
        decode(text)
    assert str(caught.value).startswith(error)


@given(st.text())
def test_no_text_breaks_the_decoder(text: str) -> None:
    with pytest.raises(InvalidMessage):
        decode(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["content", "after_seq", "id", "decision", "session_id"]), json_values))
def test_no_field_breaks_the_decoder(fields: dict[str, Any]) -> None:
    for kind in TYPES:
        try:
            found = decode(json.dumps({**fields, "type": kind}))
        except InvalidMessage:
            continue
        assert found.type == kind


def test_a_lone_surrogate_is_no_text() -> None:
    with pytest.raises(InvalidMessage):
        decode('{"type": "user_message", "content": "\\ud800"}')


SERVER = [
    (frames.Connected(session_id="s", history_count=3), {"type": "connected", "session_id": "s", "history_count": 3}),
    (frames.Token(content='a "b"\n'), {"type": "token", "content": 'a "b"\n'}),
    (frames.ToolCallStart(name="t", id="1"), {"type": "tool_call_start", "name": "t", "id": "1"}),
    (
        frames.ToolCall(name="t", input={"a": [1]}, id="1"),
        {"type": "tool_call", "name": "t", "input": {"a": [1]}, "id": "1"},
    ),
    (
        frames.ToolResult(id="1", result={"tool_name": "t"}),
        {"type": "tool_result", "id": "1", "result": {"tool_name": "t"}},
    ),
    (
        frames.Complete(usage={"input_tokens": 1, "output_tokens": 2}, cost_usd=0.5, message_ids=["m"]),
        {
            "type": "complete",
            "usage": {"input_tokens": 1, "output_tokens": 2},
            "cost_usd": 0.5,
            "message_ids": ["m"],
        },
    ),
    (
        frames.Interrupted(message="No active generation", partial_response=False),
        {"type": "interrupted", "message": "No active generation", "partial_response": False},
    ),
    (frames.Error(message="no", code="internal"), {"type": "error", "message": "no", "code": "internal"}),
    (
        frames.Error(message="slow", code="rate_limited", retry_after=2.5, message_id="m"),
        {"type": "error", "message": "slow", "code": "rate_limited", "retry_after": 2.5, "message_id": "m"},
    ),
    (
        frames.History(messages=[frames.HistoryItem(id="1", role="user", content="x", timestamp="t", cost_usd=None)]),
        {
            "type": "history",
            "messages": [{"id": "1", "role": "user", "content": "x", "timestamp": "t", "cost_usd": None}],
            "earlier": False,
        },
    ),
    (
        frames.Artifact(id="1", kind="schedule", title="t", data={"a": 1}),
        {"type": "artifact", "id": "1", "kind": "schedule", "title": "t", "data": {"a": 1}},
    ),
    (
        frames.ConfirmRequest(id="a", tool="t", input={"x": 1}, summary="s", expires_at="z"),
        {"type": "confirm_request", "id": "a", "tool": "t", "input": {"x": 1}, "summary": "s", "expires_at": "z"},
    ),
    (
        frames.ConfirmResolved(id="a", decision="deny", by="alice"),
        {"type": "confirm_resolved", "id": "a", "decision": "deny", "by": "alice"},
    ),
    (frames.Queued(position=1, reason="r"), {"type": "queued", "position": 1, "reason": "r"}),
    (frames.Notice(message="n"), {"type": "notice", "message": "n"}),
    (
        frames.WrittenElsewhere(id="m", by="alice", content="x"),
        {"type": "user_message", "id": "m", "by": "alice", "content": "x"},
    ),
    (
        frames.Presence(users=[frames.Present(id="alice", state="writing")]),
        {"type": "presence", "users": [{"id": "alice", "state": "writing"}]},
    ),
    (frames.Resumed(), {"type": "resumed"}),
    (frames.TitleChanged(title="t"), {"type": "session_updated", "title": "t"}),
]


@pytest.mark.parametrize(("frame", "fields"), SERVER)
def test_what_the_server_sends(frame: frames.ServerFrame, fields: dict[str, Any]) -> None:
    assert text_of(frame) == {**fields, "seq": 7}


def test_every_frame_of_the_server_is_tested() -> None:
    assert {type(frame) for frame, _ in SERVER} == set(get_args(frames.ServerFrame))


@given(st.text(st.characters()))
def test_every_text_survives(text: str) -> None:
    assert text_of(frames.Token(content=text))["content"] == text
    assert text_of(frames.Notice(message=text))["message"] == text


def test_what_is_no_number_in_json_is_null() -> None:
    assert text_of(frames.ToolCall(name="t", input={"x": float("nan")}, id="1"))["input"] == {"x": None}
