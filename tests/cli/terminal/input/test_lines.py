"""Lines are read from stdin."""

from __future__ import annotations

import asyncio
import os

from cli.terminal.input.lines import Splitter, read_lines


def test_lines_are_split_wherever_the_bytes_were() -> None:
    splitter = Splitter()
    data = "naïve\r\nsecond\n".encode()
    assert [line for byte in data for line in splitter.feed(bytes([byte]))] == ["naïve", "second"]


def test_last_line_needs_no_line_feed() -> None:
    splitter = Splitter()
    assert splitter.feed(b"one\ntwo") == ["one"]
    assert splitter.feed(b"") == ["two"]
    assert splitter.feed(b"") == []


def test_backslash_continues_a_line() -> None:
    splitter = Splitter()
    assert splitter.feed(b"one\\\ntwo\\\nthree\nfour\\\n") == ["one\ntwo\nthree"]
    assert splitter.feed(b"") == ["four"]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert Splitter().feed(b"\xff\n") == ["\ufffd"]


async def test_thread_hands_lines_and_the_end_to_the_loop() -> None:
    reading, writing = os.pipe()
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    read_lines(reading, lines.put_nowait, lambda: lines.put_nowait(None))
    os.write(writing, b"one\n")
    assert await lines.get() == "one"
    os.close(writing)
    assert await lines.get() is None
    os.close(reading)
