"""Silent and slow clients of the loopback HTTP server, over a real port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from supervisor.models.api_server import ApiServer
from supervisor.models.connections import BoundedConnection, read_body
from tests.slowness import scaled
from tests.waiting import until

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

HEAD = b"HEAD /api/hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n"


class Hasty(BoundedConnection):
    head_seconds = 0.05


class Brisk(BoundedConnection):
    head_seconds = scaled(1.0)  # enough for a head on a machine that is busy with other things


class Unread(BoundedConnection):
    read_seconds = 0.05


class Few(BoundedConnection):
    max_connections = 2


@asynccontextmanager
async def serving(
    connection: type[BoundedConnection], handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> AsyncIterator[Callable[[], Awaitable[Streams]]]:
    """Serve a handler of messages; yield a function that connects to the server."""
    api = ApiServer(
        messages=handler, count_tokens=handler, not_found="no", host="127.0.0.1", port=0, connection=connection
    )
    await api.start()
    writers: list[asyncio.StreamWriter] = []

    async def connect() -> Streams:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
        writers.append(writer)
        return reader, writer

    try:
        yield connect
    finally:
        for writer in writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)
        await api.stop()


async def answer(request: web.Request) -> web.StreamResponse:
    return web.Response(body=await read_body(request, 0.05))


async def closed(reader: asyncio.StreamReader) -> bool:
    """Return whether the server closes the connection without a further byte; waits for it."""
    async with asyncio.timeout(scaled(10)):
        try:
            return await reader.read() == b""
        except ConnectionResetError:
            return True


async def status(reader: asyncio.StreamReader) -> bytes:
    """Return the status of an answer that has no body."""
    async with asyncio.timeout(scaled(10)):
        return (await reader.readuntil(b"\r\n\r\n")).split()[1]


@pytest.mark.parametrize("sent", [b"", b"\r\n", HEAD[:20]])
async def test_connection_without_a_complete_head_is_closed(sent: bytes) -> None:
    async with serving(Hasty, answer) as connect:
        reader, writer = await connect()
        writer.write(sent)
        assert await closed(reader)


async def test_silence_after_an_answer_ends_the_connection() -> None:
    async with serving(Brisk, answer) as connect:
        reader, writer = await connect()
        writer.write(HEAD)
        assert await status(reader) == b"200"
        writer.write(b"\r\n")
        assert await closed(reader)


async def test_body_that_does_not_come_is_answered_with_408() -> None:
    async with serving(BoundedConnection, answer) as connect:
        reader, writer = await connect()
        writer.write(POST + b"12")
        assert await status(reader) == b"408"


async def test_answer_that_nobody_reads_is_cut_off() -> None:
    ended = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        try:
            await response.prepare(request)
            while True:
                await response.write(b"x" * 65536)
        finally:
            ended.set()

    async with serving(Unread, endless) as connect:
        reader, writer = await connect()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(POST + b"1234")
        await until(ended.is_set, "the answer has ended")
        assert not reader.at_eof()


async def test_too_many_connections_close_the_silent_ones_and_no_running_request() -> None:
    gate, running = asyncio.Event(), asyncio.Event()

    async def waiting(_: web.Request) -> web.StreamResponse:
        running.set()
        await gate.wait()
        return web.Response()

    async with serving(Few, waiting) as connect:
        busy_reader, busy_writer = await connect()
        busy_writer.write(POST + b"1234")
        await running.wait()
        silent_reader, _ = await connect()
        reader, writer = await connect()
        assert await closed(silent_reader)
        writer.write(HEAD)
        assert await status(reader) == b"200"
        gate.set()
        assert await status(busy_reader) == b"200"
