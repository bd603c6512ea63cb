"""Frames are cut out of a stream of bytes, and lines that are no frames are counted."""

from __future__ import annotations

import pytest

from connectors.claude_code.protocol.frames import Message
from connectors.claude_code.protocol.reader import (
    MAX_GARBAGE,
    MAX_GARBAGE_AFTER_FRAMES,
    REPORTED_GARBAGE,
    FrameReader,
    NotClaudeCode,
)

FRAME = b'{"type":"system"}'


def test_each_frame_comes_with_its_line_wherever_the_bytes_are_cut() -> None:
    reader = FrameReader(lambda line: None)
    data = FRAME + b"\n" + FRAME + b"\n"
    found = [pair for byte in data for pair in reader.feed(bytes([byte]))]
    assert found == [(FRAME, Message(type="system", body={"type": "system"}))] * 2
    assert reader.garbage == ""


def test_the_first_lines_that_are_no_frames_are_reported_and_all_are_counted() -> None:
    reported: list[bytes] = []
    reader = FrameReader(reported.append)
    assert list(reader.feed(b"garbage\n\n  \n" * 5)) == []
    assert reported == [b"garbage"] * REPORTED_GARBAGE
    assert reader.garbage == ", and it printed 5 lines that are no frames"


def test_a_program_that_sends_no_frame_is_given_up_sooner_than_one_that_does() -> None:
    reader = FrameReader(lambda line: None)
    assert list(reader.feed(b"y\n" * MAX_GARBAGE)) == []
    with pytest.raises(NotClaudeCode):
        list(reader.feed(b"y\n"))
    reader = FrameReader(lambda line: None)
    assert len(list(reader.feed(FRAME + b"\n" + b"y\n" * MAX_GARBAGE_AFTER_FRAMES))) == 1
    with pytest.raises(NotClaudeCode):
        list(reader.feed(b"y\n"))
