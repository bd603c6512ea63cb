"""What answers at the URL, and is no xswarm, is named as what it is."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from tests.packages.python.xswarm_client.stand_ins import daemon, say, speaking
from tests.ports import free_port
from tests.slowness import scaled
from xswarm_client import link
from xswarm_client.errors import NotAuthenticated, NotConfigured, NotXswarm, Unreachable, XswarmError
from xswarm_client.link import open_link
from xswarm_client.settings import Settings


def at(url: str) -> Settings:
    """Return settings for a URL."""
    return Settings(url=url, http_url="http://127.0.0.1:1", token="secret")


async def failure(url: str) -> XswarmError:
    """Return why a connection to a URL fails."""
    with pytest.raises(XswarmError) as failed:
        await open_link(at(url))
    assert failed.value.code
    assert failed.value.remedy
    assert "secret" not in f"{failed.value}"
    return failed.value


async def test_nothing_listens() -> None:
    assert type(await failure(f"ws://127.0.0.1:{free_port()}")) is Unreachable


@pytest.mark.parametrize("url", ["http://127.0.0.1:9999", "nonsense"])
async def test_what_is_no_url_of_a_web_socket_is_told(url: str) -> None:
    assert type(await failure(url)) is NotConfigured


async def test_a_web_server_is_no_xswarm() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await failure(f"ws://127.0.0.1:{port}")
    assert (type(error), "HTTP status 404" in str(error)) == (NotXswarm, True)


async def test_a_server_of_another_protocol_is_no_xswarm() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.test ESMTP\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        error = await failure(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert type(error) is NotXswarm


@pytest.mark.parametrize("greeting", ["hello, I am an echo", '["a list"]', '{"no": "type"}', b"\x00\xff"])
async def test_a_web_socket_that_speaks_otherwise_is_no_xswarm(greeting: str | bytes) -> None:
    async def greet(websocket: ServerConnection) -> None:
        await websocket.send(greeting)
        await websocket.wait_closed()

    async with speaking(greet) as url:
        assert type(await failure(url)) is NotXswarm


async def test_a_web_socket_that_says_nothing_is_no_xswarm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "OPEN_SECONDS", scaled(1.0))  # the handshake must succeed in it
    async with speaking(lambda websocket: websocket.wait_closed()) as url:
        error = await failure(url)
    assert (type(error), "says nothing about the token" in str(error)) == (NotXswarm, True)


async def test_a_wrong_token_is_told_whichever_way_the_daemon_says_it() -> None:
    async def refuse(websocket: ServerConnection) -> None:
        await websocket.recv()
        await say(websocket, type="auth_result", success=False, message="Invalid authentication token")

    async def shut(websocket: ServerConnection) -> None:
        await websocket.recv()
        await websocket.close(1008, "too many wrong tokens")

    async def complain(websocket: ServerConnection) -> None:
        await websocket.recv()
        await say(websocket, type="error", code="not_authenticated", message="Not authenticated")

    for way in (refuse, shut, complain):
        async with speaking(way) as url:
            assert type(await failure(url)) is NotAuthenticated


@pytest.mark.parametrize(
    ("status", "kind"), [(HTTPStatus.SERVICE_UNAVAILABLE, Unreachable), (HTTPStatus.FORBIDDEN, NotXswarm)]
)
async def test_a_refused_handshake_is_told_with_its_reason(status: HTTPStatus, kind: type[XswarmError]) -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(status, "this host is not allowed\n")

    async def never(websocket: ServerConnection) -> None:
        raise AssertionError("no handshake succeeds")

    async with serve(never, "127.0.0.1", 0, process_request=refuse) as server:
        (listener,) = server.sockets
        assert type(await failure(f"ws://127.0.0.1:{listener.getsockname()[1]}")) is kind


async def test_frames_that_are_none_are_skipped_and_the_welcome_of_any_age_is_understood() -> None:
    async def noise(frame: dict[str, object], websocket: ServerConnection) -> None:
        for text in ("not json", "[]", "{}", '{"type": 5}', '{"type": "pong", "of": "tomorrow"}'):
            await websocket.send(text)
        await websocket.close()

    for welcome in ({}, {"protocol": 7, "server": "xswarm/9.0", "user_id": "alice", "hue": ["new"]}):
        async with daemon(noise, welcome) as url:
            opened = await open_link(at(url))
            assert (opened.server, opened.user_id) == (welcome.get("server", ""), welcome.get("user_id", ""))
            assert await opened.send({"type": "ping"})
            assert [frame async for frame in opened.frames()] == [{"type": "pong", "of": "tomorrow"}]
            assert opened.lost
            assert not await opened.send({"type": "ping"})
