"""What one client still has to read."""

from __future__ import annotations

import asyncio
import json

import pytest

from supervisor.wires.chat.frames import Notice, Token
from supervisor.wires.chat.outgoing import JOINED_CHARACTERS, MAX_BYTES, MAX_FRAMES, Outgoing
from supervisor.wires.chat.rooms.log import numbered
from tests.waiting import until


class SlowWire:
    """A client that reads only while it is told to."""

    def __init__(self) -> None:
        self.writable = asyncio.Event()
        self.writable.set()
        self.got: list[dict[str, object]] = []
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.got.append(json.loads(data))

    def abort(self) -> None:
        self.aborted = True


@pytest.fixture
async def wire() -> SlowWire:
    return SlowWire()


def sending(wire: SlowWire) -> tuple[Outgoing, list[bool]]:
    overflows: list[bool] = []
    return Outgoing(wire, lambda: overflows.append(True)), overflows


async def test_frames_are_written_at_once_while_the_client_reads(wire: SlowWire) -> None:
    outgoing, _ = sending(wire)
    outgoing.post(numbered(Token(content="a"), 1))
    outgoing.post(numbered(Token(content="b"), 2))
    assert [frame["content"] for frame in wire.got] == ["a", "b"]
    await outgoing.flush()


async def test_a_slow_client_gets_several_tokens_as_one_with_the_last_number(wire: SlowWire) -> None:
    outgoing, _ = sending(wire)
    wire.writable.clear()
    for seq, text in enumerate("abc", 1):
        outgoing.post(numbered(Token(content=text), seq))
    outgoing.post(numbered(Notice(message="n"), 4))
    outgoing.post(numbered(Token(content="d"), 5))
    assert wire.got == []
    wire.writable.set()
    await outgoing.flush()
    assert wire.got == [
        {"type": "token", "content": "abc", "seq": 3},
        {"type": "notice", "message": "n", "seq": 4},
        {"type": "token", "content": "d", "seq": 5},
    ]


async def test_the_order_stays_while_the_queue_is_written(wire: SlowWire) -> None:
    outgoing, _ = sending(wire)
    wire.writable.clear()
    outgoing.post(numbered(Notice(message="1"), 1))
    wire.writable.set()
    outgoing.post(numbered(Notice(message="2"), 2))  # the first one is not written yet
    await outgoing.flush()
    assert [frame["message"] for frame in wire.got] == ["1", "2"]


async def test_a_joined_token_stays_short(wire: SlowWire) -> None:
    outgoing, _ = sending(wire)
    wire.writable.clear()
    for seq in range(4):
        outgoing.post(numbered(Token(content="x" * (JOINED_CHARACTERS // 2)), seq))
    wire.writable.set()
    await outgoing.flush()
    assert [len(str(frame["content"])) for frame in wire.got] == [JOINED_CHARACTERS, JOINED_CHARACTERS]


async def test_a_client_that_reads_nothing_is_given_up(wire: SlowWire) -> None:
    outgoing, overflows = sending(wire)
    wire.writable.clear()
    for seq in range(MAX_FRAMES):
        outgoing.post(numbered(Notice(message="n"), seq))
    assert overflows == []
    outgoing.post(numbered(Notice(message="n"), MAX_FRAMES))
    outgoing.post(numbered(Notice(message="n"), MAX_FRAMES + 1))
    assert overflows == [True]
    wire.writable.set()
    await until(lambda: not any(task.get_name() == "write to a chat client" for task in asyncio.all_tasks()), "it ends")
    assert wire.got == []


async def test_bytes_are_bounded_and_one_large_frame_is_taken(wire: SlowWire) -> None:
    outgoing, overflows = sending(wire)
    wire.writable.clear()
    outgoing.post(numbered(Notice(message="x" * (MAX_BYTES + 1)), 1))
    assert overflows == []
    outgoing.post(numbered(Notice(message="n"), 2))
    assert overflows == [True]


async def test_after_the_end_nothing_is_written(wire: SlowWire) -> None:
    outgoing, overflows = sending(wire)
    wire.writable.clear()
    outgoing.post(numbered(Notice(message="n"), 1))
    outgoing.close()
    wire.writable.set()
    outgoing.post(numbered(Notice(message="n"), 2))
    await outgoing.flush()
    assert (wire.got, overflows) == ([], [])
