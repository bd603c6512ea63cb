"""The bounded queue of one client, over a real connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

from supervisor.protocol.events import ClaudeCodeDelta
from supervisor.wires.socket.outgoing import DELTA_CHARACTERS, MAX_BYTES, MAX_FRAMES, ClientGone, SendQueue
from tests.waiting import until


class Pair:
    """Both ends of a connection, and the queue of one of them.

    Attributes:
        slow: how often the client was found too slow.
    """

    def __init__(self, near: ServerConnection, far: ClientConnection) -> None:
        self.near, self.far = near, far
        self.slow = 0
        self.outgoing = SendQueue(near, self._on_overflow)

    def _on_overflow(self) -> None:
        self.slow += 1

    async def stall(self) -> None:
        """Stop reading, and fill what lies between the two ends."""
        self.far.transport.pause_reading()
        writing = asyncio.create_task(self.outgoing.send(b"x" * 32 * 1024 * 1024))
        await until(lambda: self.near.transport.get_write_buffer_size() > 0, "the kernel's buffers to be full")
        self._writing = writing

    async def resume(self) -> None:
        """Read again."""
        self.far.transport.resume_reading()
        await self.far.recv()
        await self._writing


@asynccontextmanager
async def pair() -> AsyncIterator[Pair]:
    """Open a connection."""
    there: asyncio.Future[ServerConnection] = asyncio.get_running_loop().create_future()

    async def handler(near: ServerConnection) -> None:
        there.set_result(near)
        await near.wait_closed()

    async with serve(handler, "127.0.0.1", 0, compression=None, close_timeout=0.1) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}", compression=None, proxy=None, max_size=None) as far:
            yield Pair(await there, far)


def delta(text: str, message_id: str = "m1") -> ClaudeCodeDelta:
    """Return a piece of an answer."""
    return ClaudeCodeDelta(session_id="s1", message_id=message_id, text=text)


async def test_frames_leave_in_the_order_in_which_they_were_queued() -> None:
    async with pair() as ends:
        ends.outgoing.post(b"1")
        ends.outgoing.post(b"2")
        await ends.outgoing.send(b"3")
        await ends.outgoing.write(b"4")
        assert [await ends.far.recv() for _ in range(4)] == ["1", "2", "3", "4"]


async def test_write_returns_when_it_is_written_and_flush_when_all_is() -> None:
    async with pair() as ends:
        await ends.stall()
        ends.outgoing.post(b"behind")
        flushing = asyncio.create_task(ends.outgoing.flush())
        writing = asyncio.create_task(ends.outgoing.write(b"last"))
        await asyncio.sleep(0)
        assert not flushing.done()
        assert not writing.done()
        await ends.resume()
        await asyncio.gather(flushing, writing)
        assert [await ends.far.recv(), await ends.far.recv()] == ["behind", "last"]


async def test_one_frame_too_many_is_on_overflow_and_nothing_is_kept() -> None:
    async with pair() as ends:
        await ends.stall()
        waiting = asyncio.create_task(ends.outgoing.write(b"x"))
        await asyncio.sleep(0)
        for _ in range(MAX_FRAMES - 1):
            ends.outgoing.post(b"x")
        assert ends.slow == 0
        ends.outgoing.post(b"x")
        assert ends.slow == 1
        with pytest.raises(ClientGone):
            await waiting
        ends.outgoing.post(b"after")
        with pytest.raises(ClientGone):
            await ends.outgoing.write(b"after")
        await ends.resume()
        assert ends.slow == 1


async def test_too_many_bytes_are_on_overflow() -> None:
    async with pair() as ends:
        await ends.stall()
        ends.outgoing.post(b"x" * (MAX_BYTES // 2))
        assert ends.slow == 0
        ends.outgoing.post(b"x" * (MAX_BYTES // 2 + 1))
        assert ends.slow == 1
        await ends.resume()


async def test_pieces_of_a_text_are_bounded_like_frames() -> None:
    async with pair() as ends:
        await ends.stall()
        for _ in range(MAX_BYTES // 64 + 1):
            ends.outgoing.post_delta(delta("x"))
        assert ends.slow == 1
        await ends.resume()


async def test_no_piece_of_a_text_is_longer_than_clients_take() -> None:
    async with pair() as ends:
        texts = ["\x01" * (DELTA_CHARACTERS + 1), "\x01" * (DELTA_CHARACTERS - 100), "\x02" * 99, "\x03" * 60]
        for text in texts:
            ends.outgoing.post_delta(delta(text))
        await ends.outgoing.flush()
        got = ""
        while len(got) < sum(map(len, texts)):
            frame = await ends.far.recv()
            assert len(frame) <= 2**20
            got += json.loads(frame)["text"]
        assert got == "".join(texts)


async def test_a_single_answer_may_be_large() -> None:
    async with pair() as ends:
        large = b"x" * (MAX_BYTES + 1)
        await asyncio.gather(ends.outgoing.write(large), ends.far.recv())
        assert ends.slow == 0


async def test_pieces_are_joined_to_their_own_message_alone_and_never_over_a_frame_between_them() -> None:
    async with pair() as ends:
        ends.outgoing.post(b'"first"')
        for text, message_id in (("a", "m1"), ("b", "m1"), ("c", "m2"), ("d", "m1")):
            ends.outgoing.post_delta(delta(text, message_id))
        ends.outgoing.post(b'"tool"')
        ends.outgoing.post_delta(delta("e", "m1"))
        await ends.outgoing.flush()
        frames = [json.loads(await ends.far.recv()) for _ in range(6)]
        shown = [f if isinstance(f, str) else (f["text"], f["message_id"]) for f in frames]
        assert shown == ["first", ("ab", "m1"), ("c", "m2"), ("d", "m1"), "tool", ("e", "m1")]


async def test_what_waits_for_a_client_that_leaves_is_lost_and_said_to_be() -> None:
    async with pair() as ends:
        await ends.far.close()
        await ends.near.wait_closed()
        with pytest.raises(ClientGone):
            await ends.outgoing.write(b"x")
        ends.outgoing.post(b"x")
        await ends.outgoing.flush()
        assert ends.slow == 0
