"""The ends of a subprocess's pipes, on real pipes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from connectors.claude_code.process.pipes import ErrorTail, InputPipe, own_end
from tests.slowness import scaled
from tests.waiting import until


@asynccontextmanager
async def writing_end(tail: ErrorTail) -> AsyncIterator[int]:
    """Yield the descriptor of a pipe that `tail` reads; it is closed at the end."""
    reading, writing = os.pipe()
    loop = asyncio.get_running_loop()
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        transport, _ = await loop.connect_read_pipe(lambda: tail, own_end(loop, pipe, "r"))
    try:
        yield writing
    finally:
        transport.close()


async def test_the_end_of_stderr_is_kept_and_each_line_is_passed_on() -> None:
    tail, lines = ErrorTail(10), list[str]()
    tail.listen(lines.append)
    async with writing_end(tail) as writing:
        os.write(writing, b"first\nsec")
        await until(lambda: lines == ["first"], "the first line")
        os.write(writing, b"ond\nunfinished")
        os.close(writing)
        await until(lambda: len(lines) == 3, "all lines")
    assert lines == ["first", "second", "unfinished"[-10:]]
    assert tail.text() == "unfinished"


async def test_a_writer_waits_for_the_reader_and_not_for_a_closed_pipe() -> None:
    reading, writing = os.pipe()
    loop, pipe = asyncio.get_running_loop(), InputPipe()
    with os.fdopen(writing, "wb", buffering=0) as end:
        await loop.connect_write_pipe(lambda: pipe, own_end(loop, end, "w"))
    pipe.write(b"x" * 1_000_000)
    waiting = asyncio.create_task(pipe.drained(), name="drained")
    await asyncio.wait([waiting], timeout=0.05)
    assert not waiting.done()
    os.close(reading)
    await asyncio.wait_for(waiting, scaled(10))
    assert pipe.closed


async def test_our_end_of_a_pipe_replaces_that_of_popen() -> None:
    reading, writing = os.pipe()
    pipe = os.fdopen(reading, "rb", buffering=0)
    with own_end(asyncio.get_running_loop(), pipe, "r") as ours:
        assert pipe.closed
        os.write(writing, b"hello")
        os.close(writing)
        assert ours.read() == b"hello"


def test_who_listens_late_gets_the_lines_that_came_before() -> None:
    tail, lines = ErrorTail(100), list[str]()
    tail.data_received(b"early\nhalf")
    tail.listen(lines.append)
    assert lines == ["early"]
    tail.data_received(b" a line\n")
    assert lines == ["early", "half a line"]
