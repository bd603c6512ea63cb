"""Frames to requests and events to frames."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.protocol import events, requests
from supervisor.protocol.events import (
    AnyEvent,
    ClaudeCodeResponse,
    ClaudeCodeTool,
    Pong,
    SendEmailResponse,
    Sessions,
    SessionStatusReport,
)
from supervisor.wires.socket.codec import TYPES, BadFrame, as_dict, decode, encode

CONNECT = {"type": "claude_code_connect", "session_id": "s1", "project_path": "/srv/site", "user_id": "alice"}
PROMPT = {"type": "claude_code_message", "session_id": "s1", "message": "hello"}
EMAIL = {"type": "email_received", "from": "a@b.c", "to": "x@y.z", "subject": "", "body": "hello", "user": "alice"}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def refused(frame: object) -> BadFrame:
    """Return why a frame is no request."""
    with pytest.raises(BadFrame) as raised:
        decode(frame if isinstance(frame, str) else json.dumps(frame))
    assert raised.value.code == "invalid_message"
    return raised.value


def item(cls: type) -> Any:
    """Return an object with every field set that has no default."""
    return cls(**{field.name: f"a {field.name}" for field in fields(cls) if field.default is not events.OMIT})


def test_every_type_of_the_protocol_is_decoded_to_its_class() -> None:
    minimal: dict[str, dict[str, Any]] = {
        "auth": {"token": "t"},
        "ping": {},
        "message": {"user_id": "alice", "message": "hi"},
        "claude_code_connect": CONNECT,
        "claude_code_message": PROMPT,
        "claude_code_disconnect": {"session_id": "s1"},
        "claude_code_interrupt": {"session_id": "s1"},
        "get_session_status": {"session_id": "s1"},
        "list_sessions": {},
        "get_cost": {},
        "get_history": {"session_id": "s1"},
        "sms_received": {"from": "+1", "to": "+2", "message": "hi", "user": "alice"},
        "email_received": EMAIL,
        "subscribe": {"topics": []},
        "unsubscribe": {"topics": []},
        "resolve_approval": {"approval_id": "a", "decision": "allow"},
    }
    assert set(minimal) == set(TYPES)
    for kind, frame in minimal.items():
        request = decode(json.dumps({"type": kind, "request_id": "r", "of": "no interest", **frame}))
        assert (request.type, request.request_id) == (kind, "r")


def test_defaults_are_those_of_the_protocol() -> None:
    assert decode('{"type":"list_sessions"}') == requests.ListSessions(user_id=None, active_only=True, limit=500)
    assert decode('{"type":"get_history","session_id":"s"}') == requests.GetHistory(session_id="s", limit=50)
    assert decode(json.dumps({**PROMPT, "context": None})) == requests.ClaudeCodeMessage(
        session_id="s1", message="hello"
    )


def test_from_on_the_wire_is_from_with_an_underscore_inside() -> None:
    request = decode(json.dumps(EMAIL))
    assert isinstance(request, requests.EmailReceived)
    assert request.from_ == "a@b.c"


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        ({k: v for k, v in CONNECT.items() if k != "project_path"}, "claude_code_connect.project_path: field required"),
        ({**CONNECT, "project_path": ""}, "claude_code_connect.project_path: must not be empty"),
        ({**CONNECT, "session_id": "a b"}, "claude_code_connect.session_id: must match [A-Za-z0-9._-]{1,64}"),
        ({**CONNECT, "session_id": "s1\n"}, "claude_code_connect.session_id: must match [A-Za-z0-9._-]{1,64}"),
        ({**CONNECT, "session_id": "s" * 65}, "claude_code_connect.session_id: must match [A-Za-z0-9._-]{1,64}"),
        ({**CONNECT, "user_id": 5}, "claude_code_connect.user_id: must be a string"),
        ({**PROMPT, "message": ""}, "claude_code_message.message: must not be empty"),
        ({**PROMPT, "message": " \n\u3000"}, "claude_code_message.message: must not be blank"),
        ({**PROMPT, "message": None}, "claude_code_message.message: must be a string"),
        ({**PROMPT, "context": [1]}, "claude_code_message.context: must be an object"),
        ({**PROMPT, "context": "x"}, "claude_code_message.context: must be an object"),
        ({**PROMPT, "external_id": "x" * 129}, "claude_code_message.external_id: must have at most 128 characters"),
        ({**PROMPT, "request_id": "x" * 65}, "claude_code_message.request_id: must have at most 64 characters"),
        ({**PROMPT, "request_id": 7}, "claude_code_message.request_id: must be a string"),
        ({k: v for k, v in EMAIL.items() if k != "from"}, "email_received.from: field required"),
        ({"type": "auth"}, "auth.token: field required"),
        ({"type": "get_history", "session_id": "s", "limit": 0}, "get_history.limit: must be at least 1"),
        ({"type": "get_history", "session_id": "s", "limit": 501}, "get_history.limit: must be at most 500"),
        ({"type": "get_history", "session_id": "s", "limit": "50"}, "get_history.limit: must be a whole number"),
        ({"type": "get_history", "session_id": "s", "limit": 1.5}, "get_history.limit: must be a whole number"),
        ({"type": "list_sessions", "active_only": 1}, "list_sessions.active_only: must be true or false"),
        ({"type": "list_sessions", "limit": 501}, "list_sessions.limit: must be at most 500"),
        (
            {"type": "get_cost", "group_by": "week"},
            "get_cost.group_by: must be 'user', 'session', 'day', 'channel', 'model' or 'project'",
        ),
        ({"type": "get_cost", "since": "today"}, "get_cost.since: must have at least 10 characters"),
        ({"type": "subscribe", "topics": "costs"}, "subscribe.topics: must be a list"),
        ({"type": "subscribe", "topics": ["costs", 1]}, "subscribe.topics.1: must be a string"),
        ({"type": "subscribe", "topics": ["costs"] * 101}, "subscribe.topics: must have at most 100 items"),
        (
            {"type": "resolve_approval", "approval_id": "a", "decision": "maybe"},
            "resolve_approval.decision: must be 'allow' or 'deny'",
        ),
        ({}, "type: field required"),
        ({"type": "reboot"}, f"type: must be one of {', '.join(TYPES)}"),
        ({"type": 1}, f"type: must be one of {', '.join(TYPES)}"),
        ({"type": None}, f"type: must be one of {', '.join(TYPES)}"),
        ({"type": ["ping"]}, f"type: must be one of {', '.join(TYPES)}"),
        ([], "the frame must be a JSON object, not a list"),
        (None, "the frame must be a JSON object, not null"),
        (True, "the frame must be a JSON object, not a truth value"),
        (7.5, "the frame must be a JSON object, not a number"),
        ('"ping"', "the frame must be a JSON object, not a string"),
    ],
)
def test_a_field_that_fails_is_named_with_what_it_must_be(frame: object, sentence: str) -> None:
    assert str(refused(frame)) == sentence


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "ping",
        "{'type': 'ping'}",
        '{"type":"ping"',
        '{"type":"ping"} {}',
        '{"type":"ping",}',
        '{"type":"claude_code_message","session_id":"s","message":"m","context":{"a":NaN}}',
        '{"type":"claude_code_message","session_id":"s","message":"m","context":{"a":-Infinity}}',
        '{"type":"auth","token":"\\ud800"}',
        "[" * 100_000,
    ],
)
def test_what_is_not_json_is_said_to_be_none(text: str) -> None:
    assert str(refused(text)).startswith("the frame must be JSON: ")


@pytest.mark.parametrize("number", ["1e999", "-1E400"])
def test_a_number_that_json_can_write_and_nobody_can_hold_is_refused_in_a_context(number: str) -> None:
    text = '{"type":"claude_code_message","session_id":"s","message":"m","request_id":"r","context":{"a":[%s]}}'
    error = refused(text % number)
    assert str(error) == "claude_code_message.context: must hold no number larger than 1.8e308"
    assert error.request_id == "r"
    assert decode(text % "1e308") == requests.ClaudeCodeMessage(
        session_id="s", message="m", request_id="r", context={"a": [1e308]}
    )


def test_words_that_look_like_no_number_are_welcome_in_texts() -> None:
    text = '{"type":"message","user_id":"a","message":"NaN or Infinity"}'
    assert decode(text) == requests.Message(user_id="a", message="NaN or Infinity")


def test_request_id_of_a_bad_message_is_carried_back() -> None:
    assert refused({"type": "reboot", "request_id": "r1"}).request_id == "r1"
    assert refused({**PROMPT, "message": 1, "request_id": "r2"}).request_id == "r2"
    assert refused({"type": "reboot", "request_id": 5}).request_id is None
    assert refused({"type": "reboot", "request_id": "x" * 65}).request_id is None
    assert refused("{").request_id is None


def sentence_about(text: str) -> str | None:
    """Return why a frame is no request, None where it is one."""
    try:
        decode(text)
    except BadFrame as error:
        return str(error)
    return None


@given(st.text() | JSON.map(json.dumps))
def test_any_text_is_a_request_or_a_bad_frame(text: str) -> None:
    assert sentence_about(text) != ""


@given(st.sampled_from(TYPES), st.dictionaries(st.sampled_from(["session_id", "topics", "limit", "from"]), JSON))
def test_any_fields_of_a_type_are_a_request_or_a_bad_frame(kind: str, given_fields: dict[str, object]) -> None:
    sentence = sentence_about(json.dumps({"type": kind, **given_fields}))
    assert sentence is None or sentence.startswith(f"{kind}.")


def test_every_event_is_encoded_with_its_type_first_and_without_what_is_omitted() -> None:
    for cls in get_args(events.AnyEvent):
        event = item(cls)
        for name in ("sessions", "rows", "messages"):
            if any(field.name == name for field in fields(cls)):
                event = cls(**{f.name: getattr(event, f.name) for f in fields(cls)} | {name: []})
        frame = as_dict(event)
        assert next(iter(frame)) == "type"
        assert events.OMIT not in frame.values()
        assert set(frame) == {field.name for field in fields(cls) if field.default is not events.OMIT}


def test_none_is_sent_as_null_and_what_is_omitted_is_left_out() -> None:
    response = events.MessageResponse(
        target="assistant",
        reason="no keyword",
        session_id=None,
        message_id="m",
        content="hi",
        cost_usd=None,
        timestamp="t",
    )
    assert json.loads(encode(response)) == {
        "type": "message_response",
        "target": "assistant",
        "reason": "no keyword",
        "session_id": None,
        "message_id": "m",
        "content": "hi",
        "cost_usd": None,
        "timestamp": "t",
    }
    assert json.loads(encode(events.Error(message="m", code="c"))) == {"type": "error", "message": "m", "code": "c"}


def test_items_of_lists_are_encoded_too() -> None:
    for event, name, inner in (
        (events.Sessions(sessions=[item(events.SessionStatusReport)]), "sessions", events.SessionStatusReport),
        (events.Cost(total_usd=1.5, rows=[item(events.CostRow)]), "rows", events.CostRow),
        (events.History(session_id="s", messages=[item(events.HistoryMessage)]), "messages", events.HistoryMessage),
    ):
        [shown] = json.loads(encode(event))[name]
        assert set(shown) == {field.name for field in fields(inner) if field.default is not events.OMIT}


def test_request_id_is_put_on_what_answers_it() -> None:
    assert json.loads(encode(events.Pong(), "r1")) == {"type": "pong", "request_id": "r1"}
    assert json.loads(encode(events.Pong(), "")) == {"type": "pong", "request_id": ""}
    assert json.loads(encode(events.Pong())) == {"type": "pong"}


def test_a_number_that_json_has_no_word_for_is_null() -> None:
    tool = events.ClaudeCodeTool(
        session_id="s", message_id="m", tool_use_id="t", name="Bash", status="started", input={"a": float("inf")}
    )
    assert b'"input":{"a":null}' in encode(tool)


def test_half_a_surrogate_pair_does_not_stop_an_answer() -> None:
    frame = encode(events.Error(message="\ud83d", code="c"))
    assert json.loads(frame)["message"] == "\ud83d"


@given(st.text(), JSON)
def test_any_content_comes_back_as_it_was(content: str, value: object) -> None:
    tool = events.ClaudeCodeTool(
        session_id="s", message_id="m", tool_use_id="t", name=content, status="started", input={"value": value}
    )
    assert json.loads(encode(tool))["input"] == {"value": value}


WIDE = '\x01\n"é😀' * 300_000
"""A text of which JSON takes several bytes a character."""


@pytest.mark.parametrize(
    "event",
    [
        ClaudeCodeResponse(
            session_id="s",
            message_id="m",
            content=WIDE,
            cost_usd=None,
            timestamp="",
            usage={},
            duration_ms=1,
            stop_reason="",
        ),
        SendEmailResponse(to="a", subject="s", body="x" * 3_000_000, user="u", message_id="m"),
        ClaudeCodeTool(
            session_id="s",
            message_id="m",
            tool_use_id="t",
            name="Write",
            status="started",
            input={"content": WIDE, "file_path": "a.txt", "edits": [WIDE]},
        ),
        ClaudeCodeTool(
            session_id="s",
            message_id="m",
            tool_use_id="t",
            name="Odd",
            status="started",
            input={str(number): "x" * 60_000 for number in range(100)},
        ),
        Sessions(sessions=[replace(item(SessionStatusReport), project_path="/" + "p" * 4095)] * 500),
    ],
    ids=["answer", "mail", "tool", "many", "sessions"],
)
def test_no_frame_is_longer_than_clients_take(event: AnyEvent) -> None:
    frame = encode(event, "r1")
    assert len(frame) <= 2**20
    assert json.loads(frame)["truncated"] is True
    assert json.loads(frame)["request_id"] == "r1"


def test_a_text_that_was_cut_has_its_length() -> None:
    frame = json.loads(encode(SendEmailResponse(to="a", subject="s", body="x" * 3_000_000, user="u", message_id="m")))
    assert (len(frame["body"]), frame["characters"]) == (524_288, 3_000_000)
    assert "truncated" not in json.loads(encode(Pong()))
