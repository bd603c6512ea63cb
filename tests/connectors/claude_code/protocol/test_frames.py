"""Lines are split, parsed and built; a line without a frame is None, never an exception."""

from __future__ import annotations

import json

import pytest

from connectors.claude_code.protocol import frames
from connectors.claude_code.protocol.frames import (
    ControlCancel,
    ControlRequest,
    ControlResponse,
    LineSplitter,
    LineTooLong,
    Message,
    parse_frame,
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_lines_are_the_same_however_the_bytes_arrive(size: int) -> None:
    data = b'{"a":1}\n\n{"b":"\xc3\xa4"}\nrest'
    splitter, lines = LineSplitter(), list[bytes]()
    for at in range(0, len(data), size):
        lines += splitter.feed(data[at : at + size])
    assert lines == [b'{"a":1}', b"", b'{"b":"\xc3\xa4"}']


def test_a_line_over_the_limit_is_refused_before_it_ends() -> None:
    splitter = LineSplitter(limit=10)
    assert splitter.feed(b"0123456789") == []
    with pytest.raises(LineTooLong):
        splitter.feed(b"0")


def test_a_long_line_is_said_in_words() -> None:
    assert str(LineTooLong(frames.MAX_LINE)) == "it printed a line of more than 64 MiB"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"Welcome!",
        b"{",
        b"[]",
        b"7",
        b"null",
        b'"text"',
        b"{}",
        b'{"type": 7}',
        b'{"type": null}',
        b"\xff\xfe",
        b"[" * 100_000,
        b"9" * 10_000,
    ],
)
def test_what_is_no_frame_is_none(line: bytes) -> None:
    assert parse_frame(line) is None


def test_each_kind_of_frame_is_told_apart() -> None:
    ask = {"type": "control_request", "request_id": "r", "request": {"subtype": "can_use_tool", "tool_name": "Bash"}}
    assert parse_frame(json.dumps(ask).encode()) == ControlRequest(
        request_id="r", subtype="can_use_tool", body={"subtype": "can_use_tool", "tool_name": "Bash"}
    )
    assert parse_frame(b'{"type":"control_cancel_request","request_id":"r"}') == ControlCancel(request_id="r")
    assert parse_frame(b'{"type":"new","x":1}') == Message(type="new", body={"type": "new", "x": 1})


def test_answers_carry_their_body_or_their_error() -> None:
    good = {"type": "control_response", "response": {"subtype": "success", "request_id": "r", "response": {"a": 1}}}
    bad = {"type": "control_response", "response": {"subtype": "error", "request_id": "r", "error": "no"}}
    assert parse_frame(json.dumps(good).encode()) == ControlResponse(request_id="r", body={"a": 1})
    assert parse_frame(json.dumps(bad).encode()) == ControlResponse(request_id="r", body={}, error="no")


@pytest.mark.parametrize("body", ["control_request", "control_response", "control_cancel_request"])
def test_an_empty_control_frame_is_still_one(body: str) -> None:
    assert parse_frame(json.dumps({"type": body}).encode()) is not None
    assert parse_frame(json.dumps({"type": body, "request": 7, "response": 7}).encode()) is not None


def test_every_line_we_write_is_one_line() -> None:
    lines = (
        frames.user_message("id", "two\nlines", "and \u2028 more"),
        frames.control_request("r", frames.initialize()),
        frames.control_success("r", {"text": "a\nb"}),
        frames.control_error("r", "no\nway"),
    )
    for line in lines:
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        assert isinstance(json.loads(line), dict)


def test_the_persons_own_words_come_last() -> None:
    body = json.loads(frames.user_message("id", "told first", "the words"))
    assert body["uuid"] == "id"
    assert [block["text"] for block in body["message"]["content"]] == ["told first", "the words"]


@pytest.mark.parametrize(
    "words", ["/login", "  /clear", "\n/compact all of it", "\ufeff /help", "/etc/hosts says what?"]
)
def test_a_prompt_that_begins_with_a_slash_is_marked_as_text_for_the_model(words: str) -> None:
    assert json.loads(frames.user_message("id", "told first", words))["text_not_typed"] is True


@pytest.mark.parametrize("words", ["", "hello", "what does /login do?"])
def test_any_other_prompt_has_no_mark(words: str) -> None:
    assert "text_not_typed" not in json.loads(frames.user_message("id", "/told first", words))


def test_the_hook_covers_every_tool_and_blocks_where_it_fails() -> None:
    (hook,) = frames.initialize()["hooks"]["PreToolUse"]
    assert hook["matcher"] == "*"
    assert hook["onFailure"] == "block"
