"""HTTP connections end by a limit, and no address takes all of them; over a real port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from supervisor.wires.http.connections import LimitedConnection, WebSocketConnection, _network
from tests.slowness import scaled
from tests.supervisor.wires.http.asgi import echo
from tests.waiting import until

REQUEST = b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Short(LimitedConnection):
    max_head = 1_000


class Hasty(LimitedConnection):
    client_seconds = 0.05


class HastyLater(LimitedConnection):
    """Gives as little time as `Hasty` from its first complete head on, so that a busy machine gets that one through."""

    def on_headers_complete(self) -> None:
        self.client_seconds = Hasty.client_seconds  # type: ignore[misc]
        super().on_headers_complete()


class Brisk(LimitedConnection):
    client_seconds = 1.0  # enough for a head on a machine that is busy with other things


class Few(LimitedConnection):
    max_connections = 4
    max_of_address = 3
    reserve = 2
    webhooks = frozenset({b"/hook"})


class FewOfProxy(Few):
    proxies = ("127.0.0.0/8",)


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def serving(
    kind: type[LimitedConnection], app: ASGIApp = echo
) -> AsyncIterator[Callable[[], Awaitable[Streams]]]:
    """Serve an application behind a kind of connection; yield a function that connects to it."""
    settings = uvicorn.Config(
        app, http=kind, ws=WebSocketConnection, lifespan="off", log_config=None, proxy_headers=False
    )
    settings.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(lambda: kind(settings, state, {}), "127.0.0.1", 0)
    clients: list[asyncio.StreamWriter] = []

    async def connect() -> Streams:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        clients.append(writer)
        return reader, writer

    async with server:
        try:
            yield connect
        finally:
            for writer in clients:
                writer.close()
            closings = [writer.wait_closed() for writer in clients]
            await asyncio.gather(*closings, *state.tasks, return_exceptions=True)
            for open_one in list(state.connections):
                open_one.shutdown()


@asynccontextmanager
async def connection(kind: type[LimitedConnection], app: ASGIApp = echo) -> AsyncIterator[Streams]:
    """Serve an application behind a kind of connection, and give one to it."""
    async with serving(kind, app) as connect:
        yield await connect()


async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with 401 before the body was read."""
    await PlainTextResponse("no", 401)(scope, receive, send)


async def large(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with more than the buffers of a connection hold."""
    await PlainTextResponse("x" * 32 * 1024 * 1024)(scope, receive, send)


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
        loop.call_later(1.2 * Brisk.client_seconds, later.set_result, None)
        await later
        writer.write(b"x")
        assert await status(reader) == b"200"


@pytest.mark.parametrize("rest", [b"\r\n", b"\r\n\r\n\r\n"])
async def test_blank_line_after_an_answer_does_not_keep_the_connection(rest: bytes) -> None:
    async with connection(HastyLater) as (reader, writer):
        writer.write(REQUEST)
        assert await status(reader) == b"200"
        writer.write(rest)
        assert await closed(reader)


@pytest.mark.parametrize("rest", [b"", b"x", b"x" * 9])
async def test_body_after_its_answer_does_not_keep_the_connection(rest: bytes) -> None:
    async with connection(HastyLater, refusing) as (reader, writer):
        writer.write(b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n")
        assert await status(reader) == b"401"
        writer.write(rest)
        assert await closed(reader)


async def test_next_request_after_an_answer_has_a_deadline_of_its_own() -> None:
    async with connection(Brisk, refusing) as (reader, writer):
        for _ in range(3):
            writer.write(b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n")
            assert await status(reader) == b"401"
            writer.write(b"x" * 9)


async def test_answer_that_nobody_reads_is_cut_off() -> None:
    kinds: list[LimitedConnection] = []

    class Watched(HastyLater):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            kinds.append(self)

    async with connection(Watched, large) as (reader, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(REQUEST + REQUEST)
        await until(lambda: kinds and not kinds[0].connections, "the server has closed the connection")
        assert not reader.at_eof()


async def test_address_beyond_its_share_loses_its_oldest_silent_connection() -> None:
    async with serving(Few) as connect:
        silent = [await connect() for _ in range(Few.max_of_address)]
        for _ in range(2):
            reader, writer = await connect()
            writer.write(REQUEST)
            assert await status(reader) == b"200"
        assert await closed(silent[0][0])
        assert await closed(silent[1][0])
        silent[2][1].write(REQUEST)
        assert await status(silent[2][0]) == b"200"


async def test_running_requests_are_never_closed_for_others() -> None:
    gate = asyncio.Event()

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        await gate.wait()
        await echo(scope, receive, send)

    async with serving(Few, waiting) as connect:
        busy = [await connect() for _ in range(Few.max_of_address)]
        for _, writer in busy[:2]:
            writer.write(REQUEST)
        busy[2][1].write(REQUEST.replace(b"/x", b"/hook"))
        await until(lambda: len(asyncio.all_tasks()) > len(busy), "they run")
        reader, _ = await connect()
        assert await closed(reader)
        gate.set()
        for reader, _ in busy:
            assert await status(reader) == b"200"


async def test_trusted_proxy_has_no_share_and_a_reserve_is_for_webhooks() -> None:
    gate = asyncio.Event()

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            await gate.wait()
        await echo(scope, receive, send)

    async with serving(FewOfProxy, waiting) as connect:
        busy = [await connect() for _ in range(2)]
        for _, writer in busy:
            writer.write(REQUEST.replace(b"/x", b"/slow"))
        for path, answer in ((b"/x", b"503"), (b"/hook", b"200"), (b"/hook?a=b", b"200")):
            reader, writer = await connect()
            writer.write(REQUEST.replace(b"/x", path))
            assert await status(reader) == answer
        gate.set()
        for reader, _ in busy:
            assert await status(reader) == b"200"


def test_ipv6_network_of_one_subscriber_counts_as_one_address() -> None:
    assert _network("2001:db8::1") == _network("2001:db8::ffff:1") != _network("2001:db8:0:1::1")
    assert _network("::ffff:192.0.2.1") == _network("192.0.2.1") != _network("192.0.2.2")


UPGRADE = b"Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"


@pytest.mark.parametrize(
    ("line", "headers", "answer"),
    [
        (b"GET /?token=" + b"x" * 9_000, b"", b"414"),
        (b"GET /", b"Cookie: " + b"x" * 9_000 + b"\r\n", b"431"),
        (b"GET /", b"".join(b"X-%d: y\r\n" % number for number in range(200)), b"431"),
    ],
)
async def test_handshake_of_a_web_socket_with_too_long_a_head_is_refused_and_closed(
    line: bytes, headers: bytes, answer: bytes
) -> None:
    async with connection(LimitedConnection) as (reader, writer):
        writer.write(
            line + b" HTTP/1.1\r\n" + UPGRADE + headers + b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert await status(reader) == answer
        assert await closed(reader)
