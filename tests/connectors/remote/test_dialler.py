from __future__ import annotations

import asyncio
import logging

import pytest

from connectors.remote.dialler import Dialler, Refused
from supervisor.protocol.errors import ConnectionFailed
from tests.connectors.raw_server import raw_server
from tests.connectors.remote.server import RemoteServer


async def why(dialler: Dialler) -> ConnectionFailed:
    with pytest.raises(ConnectionFailed) as caught:
        await dialler.dial()
    return caught.value


async def test_the_token_goes_into_the_handshake_and_never_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with RemoteServer() as server:
        connection = await Dialler(server.url, "sesame-9").dial()
        await connection.close()
    # The server's own debug log shows what it got; ours is what must not.
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("websockets.server")]
    assert server.handshakes[0].headers["Authorization"] == "Bearer sesame-9"
    assert "sesame-9" not in "\n".join(ours)


async def test_without_a_token_nothing_is_sent_and_compression_is_never_offered() -> None:
    async with RemoteServer() as server:
        connection = await Dialler(server.url, None).dial()
        await connection.close()
    assert "Authorization" not in server.handshakes[0].headers
    assert "Sec-WebSocket-Extensions" not in server.handshakes[0].headers


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "socks_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with RemoteServer() as server:
        connection = await Dialler(server.url, None).dial()
        await connection.close()
    assert len(server.handshakes) == 1


async def test_nobody_listening_is_a_sentence_without_path_and_query(unused_tcp_port: int) -> None:
    error = await why(Dialler(f"ws://127.0.0.1:{unused_tcp_port}/path?key=secret", None))
    assert error.why == f"cannot reach ws://127.0.0.1:{unused_tcp_port}: nothing accepts connections there"
    assert "claude_code.websocket_url" in error.remedy
    assert not isinstance(error, Refused)


@pytest.mark.parametrize(
    ("status", "token", "sentence", "final"),
    [
        (401, "t", "refused our token (HTTP 401)", True),
        (403, None, "refused us, as we have no token (HTTP 403)", True),
        (404, None, "answered HTTP 404 instead of opening a WebSocket", True),
        (301, None, "answered HTTP 301 instead of opening a WebSocket", True),
        (503, None, "it answered HTTP 503", False),
    ],
)
async def test_a_refused_handshake_says_why(status: int, token: str | None, sentence: str, final: bool) -> None:
    async with RemoteServer() as server:
        server.refuse_with = status
        error = await why(Dialler(server.url, token))
    assert sentence in error.why
    assert isinstance(error, Refused) is final
    assert len(server.handshakes) == 1


async def test_a_server_that_speaks_something_else_is_a_sentence() -> None:
    async with raw_server(greet) as port:
        error = await why(Dialler(f"ws://127.0.0.1:{port}", None))
    assert error.why.endswith("what listens there speaks no WebSocket")


async def test_plain_text_behind_a_tls_address_is_a_sentence() -> None:
    async with raw_server(greet) as port:
        error = await why(Dialler(f"wss://127.0.0.1:{port}", None))
    assert error.why == f"cannot reach wss://127.0.0.1:{port}: TLS failed"


async def test_a_server_that_hangs_up_is_a_sentence() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.transport.abort()

    async with raw_server(hang_up) as port:
        error = await why(Dialler(f"wss://127.0.0.1:{port}", None))
    assert error.why == f"cannot reach wss://127.0.0.1:{port}: it broke off the connection"


async def test_a_server_that_says_nothing_is_given_up() -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(listen) as port:
        error = await why(Dialler(f"ws://127.0.0.1:{port}", None, open_timeout=0.05))
    assert error.why.endswith("no answer within 0.05 seconds")


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"220 mail.example.com ESMTP\r\n")
    await writer.drain()
