"""Request heads within a limit of bytes and of time, over a real port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from uvicorn.server import ServerState

from supervisor.wires.http.heads import LimitedHeads
from tests.slowness import scaled
from tests.supervisor.wires.http.asgi import echo

REQUEST = b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Short(LimitedHeads):
    limit = 1_000


class Hasty(LimitedHeads):
    seconds = 0.05


class Brisk(LimitedHeads):
    seconds = 1.0  # enough for a head on a machine that is busy with other things


@asynccontextmanager
async def connection(kind: type[LimitedHeads]) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Serve `echo` behind a kind of connection, and give one to it."""
    settings = uvicorn.Config(echo, http=kind, ws="none", lifespan="off", log_config=None, proxy_headers=False)
    settings.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(lambda: kind(settings, state, {}), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()
            await asyncio.gather(writer.wait_closed(), *state.tasks, return_exceptions=True)
            for open_one in list(state.connections):
                open_one.shutdown()


async def status(reader: asyncio.StreamReader) -> bytes:
    """Return the status of the next answer and skip the rest of it."""
    async with asyncio.timeout(scaled(10)):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.splitlines() if line.lower().startswith(b"content-len"))
        await reader.readexactly(length)
    return head.split()[1]


async def closed(reader: asyncio.StreamReader) -> bool:
    """Return whether the server closes; waits for it."""
    async with asyncio.timeout(scaled(10)):
        try:
            return await reader.read() == b""
        except ConnectionResetError:
            return True


async def test_ordinary_requests_follow_each_other() -> None:
    async with connection(Short) as (reader, writer):
        for _ in range(5):
            writer.write(REQUEST)
            assert await status(reader) == b"200"


async def test_long_body_is_no_long_head() -> None:
    async with connection(Short) as (reader, writer):
        writer.write(b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5_000)
        assert await status(reader) == b"200"


async def test_head_without_end_is_refused() -> None:
    async with connection(Short) as (reader, writer):
        writer.write(b"GET /x HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
        for _ in range(20):
            writer.write(b"x" * 100)
            await writer.drain()
        assert await status(reader) == b"400"
        assert await closed(reader)


async def test_second_head_is_limited_as_the_first() -> None:
    async with connection(Short) as (reader, writer):
        writer.write(REQUEST)
        assert await status(reader) == b"200"
        writer.write(b"GET /" + b"x" * 2_000)
        assert await status(reader) == b"400"


async def test_connection_that_says_nothing_is_closed() -> None:
    async with connection(Hasty) as (reader, _):
        assert await closed(reader)


async def test_head_that_does_not_end_in_time_is_closed() -> None:
    async with connection(Hasty) as (reader, writer):
        writer.write(REQUEST[:20])
        assert await closed(reader)


async def test_answer_may_take_longer_than_the_head() -> None:
    async with connection(Brisk) as (reader, writer):
        writer.write(b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n")
        loop = asyncio.get_running_loop()
        later = loop.create_future()
        loop.call_later(1.2 * Brisk.seconds, later.set_result, None)
        await later
        writer.write(b"x")
        assert await status(reader) == b"200"
