"""The server itself: its port, its signals, its end."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
import uvloop

from supervisor import config
from supervisor.protocol.errors import ConfigError
from supervisor.wires.http_server import HttpServer
from supervisor.wires.listening import bind
from tests.ports import free_port
from tests.supervisor.wires.http.serving import SESSIONS, Served, refusal
from tests.waiting import until


def server_of(served: Served, http: config.Http) -> HttpServer:
    return HttpServer(http, served.core.api, parts=dict)


async def test_port_in_use_is_a_sentence(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        port = httpx.URL(served.server.url).port
        assert port
        second = server_of(served, config.Http(port=port))
        with pytest.raises(ConfigError) as caught:
            await second.start()
        assert str(caught.value) == f"http.port: port {port} of 127.0.0.1 is in use"
        assert caught.value.remedy
        await second.aclose()
        assert (await served.service.get(SESSIONS)).status_code == 200


async def test_port_is_taken_before_the_start_and_freed_without_one(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        port = free_port()
        server = server_of(served, config.Http(port=port))
        server.bind()
        with pytest.raises(ConfigError, match="in use"):
            bind("127.0.0.1", port, "http.port")
        await server.aclose()
        bind("127.0.0.1", port, "http.port").close()


async def test_address_is_told(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        server = server_of(served, config.Http(port=0))
        host, port = await server.start()
        assert server.url == f"http://{host}:{port}"
        await server.aclose()
        await server.aclose()


async def test_ipv6_is_served(tmp_path: Path) -> None:
    async with Served(tmp_path, http=config.Http(host="::1", port=0)) as served:
        assert served.server.url.startswith("http://[::1]:")
        assert (await served.service.get("/healthz")).status_code == 200


async def test_headers_do_not_say_what_serves(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        headers = (await served.service.get("/healthz")).headers
        assert "server" not in headers
        assert "date" in headers


async def test_signals_stay_the_daemons(tmp_path: Path) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    try:
        async with Served(tmp_path) as served:
            os.kill(os.getpid(), signal.SIGTERM)
            await until(told.is_set, "the daemon's own handler was called")
            assert (await served.service.get("/healthz")).status_code == 200
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


async def test_requests_that_run_are_answered_after_new_ones_are_refused(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        session_id = await served.session()
        idle = await served.client(None)
        await idle.get("/healthz")  # keeps its connection
        waiting = asyncio.create_task(served.prompt(session_id, "hold"), name="waiting")
        await until(lambda: served.core.scripted.prompts, "it runs")
        served.server.refuse_new()
        assert refusal(await idle.get("/healthz"))[:2] == (503, "unavailable")
        with pytest.raises(httpx.ConnectError):
            await idle.get("/healthz")
        served.core.scripted.release()
        assert (await waiting).json()["content"] == "released"


async def test_end_waits_for_nobody_beyond_the_grace(tmp_path: Path) -> None:
    async with Served(tmp_path, grace_seconds=1) as served:
        session_id = await served.session()
        waiting = asyncio.create_task(served.prompt(session_id, "hold"), name="waiting")
        await until(lambda: served.core.scripted.prompts, "it runs")
        await served.server.aclose()
        with pytest.raises((httpx.HTTPError, AssertionError)):
            assert (await waiting).is_success
        served.core.scripted.release()


async def test_silent_connection_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        address = httpx.URL(served.server.url)
        assert address.port
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(b"POST /healthz HTTP/1.1\r\nHo")
        await writer.drain()
        await served.server.aclose()
        with suppress(ConnectionResetError):  # where the server had not read it yet
            assert await reader.read() == b""
        writer.close()
        with suppress(ConnectionResetError):
            await writer.wait_closed()


@pytest.mark.parametrize(
    "request_", [b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n"]
)
async def test_what_is_no_http_is_refused_and_others_are_served(tmp_path: Path, request_: bytes) -> None:
    async with Served(tmp_path) as served:
        address = httpx.URL(served.server.url)
        assert address.port
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(request_)
        assert b" 4" in (await reader.readline())[:12]
        writer.close()
        await writer.wait_closed()
        assert (await served.service.get("/healthz")).status_code == 200


@pytest.mark.parametrize(("proxies", "status"), [((), 403), (("192.0.2.1",), 403), (("127.0.0.1",), 422)])
@pytest.mark.requirement(15)
async def test_forwarded_headers_are_believed_from_listed_proxies_only(
    tmp_path: Path, proxies: tuple[str, ...], status: int
) -> None:
    async with Served(tmp_path, http=config.Http(port=0, trusted_proxies=proxies)) as served:
        secure = served.server.url.replace("http://", "https://")
        headers = {"Origin": secure, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
        assert (await served.service.post(SESSIONS, json={}, headers=headers)).status_code == status


def test_it_serves_on_uvloop(tmp_path: Path) -> None:
    async def exchange() -> str:
        async with Served(tmp_path) as served:
            return str((await served.prompt(await served.session(), "hello")).json()["content"])

    assert uvloop.run(exchange()) == "hello"
