"""The server: handshakes, tokens that end, start and stop."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from supervisor import config
from supervisor.delivery.outbox import Outbox
from supervisor.protocol.errors import ConfigError, StorageError
from supervisor.protocol.messages import Address
from supervisor.wires.socket.server import MAX_PENDING, SocketServer
from tests.slowness import scaled
from tests.supervisor.harness import SERVICE, Core
from tests.supervisor.wires.socket.socket_serving import PATIENCE, Client, Listening
from tests.waiting import until

PAGE = "https://console.example.org"


async def refused(listening: Listening, **options: Any) -> int:
    """Return the status with which a handshake is refused."""
    with pytest.raises(InvalidStatus) as refusal:
        await listening.raw(**options)
    return refusal.value.response.status_code


async def test_a_browser_is_let_in_from_a_listed_origin_alone(tmp_path: Path) -> None:
    listed = config.Supervisor(port=0, allowed_origins=(PAGE,))
    async with Listening(tmp_path, supervisor=listed) as listening:
        assert await (await listening.client(origin=PAGE)).quiet()
        for origin in ("https://evil.example.org", "null", "http://localhost:3000"):
            assert await refused(listening, origin=origin) == 403


async def test_no_browser_is_let_in_where_none_is_listed(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        assert await refused(listening, origin=PAGE) == 403
        assert await refused(listening, origin=listening.server.url) == 403


@pytest.mark.requirement(4)
async def test_a_name_that_was_made_to_lead_here_is_refused(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        host, port = listening.server.address
        for name, status in (("evil.example.org", 403), ("localhost", 101)):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(
                f"GET / HTTP/1.1\r\nHost: {name}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
            )
            assert f" {status} " in (await reader.readline()).decode()
            writer.close()
            await writer.wait_closed()


async def test_a_token_on_the_handshake_counts_as_auth(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        bearer = {"Authorization": f"Bearer {SERVICE}"}
        client = await listening.client(None, additional_headers=bearer)
        assert await client.ask("ping") == {"type": "pong"}
        await client.authenticate()


async def test_a_wrong_token_on_the_handshake_is_one_of_three(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client(None, additional_headers={"Authorization": "Bearer wrong"})
        assert (await client.ask("ping"))["code"] == "not_authenticated"
        for _ in range(2):
            assert not (await client.ask("auth", token="wrong"))["success"]
        assert (await client.closed())[0] == 1008


@pytest.mark.requirement(8)
async def test_a_token_that_was_revoked_closes_its_connections(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        made = await listening.core.accounts.create_token(service="gateway")
        client, other = await listening.client(made["token"]), await listening.client()
        await listening.core.accounts.revoke_token(str(made["id"]))
        assert (await client.closed())[0] == 1008
        assert await other.quiet()


async def test_a_user_who_was_removed_is_no_longer_connected(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        jwt = await listening.core.accounts.jwt("bob", minutes=5)
        clients = [await listening.client(await listening.core.token("bob")), await listening.client(jwt["token"])]
        await listening.core.accounts.remove_user("bob")
        for client in clients:
            assert (await client.closed())[0] == 1008


@pytest.mark.requirement(6)
async def test_connections_without_a_token_are_bounded(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        waiting = [await listening.client(None) for _ in range(4)]
        pending = listening.server._state.pending
        fill: set[Any] = {object() for _ in range(MAX_PENDING - len(pending))}
        pending |= fill
        assert await refused(listening) == 503
        assert await refused(listening, additional_headers={"Authorization": "Bearer wrong"}) == 503
        assert await (await listening.client(None, additional_headers={"Authorization": f"Bearer {SERVICE}"})).quiet()
        pending -= fill
        await waiting[0].authenticate()
        assert await (await listening.client()).quiet()


async def test_a_port_in_use_is_an_error_that_names_the_key(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            server = SocketServer(config.Supervisor(port=port), core.api)
            with pytest.raises(ConfigError) as error:
                await server.start()
            assert str(error.value) == f"supervisor.port: port {port} of 127.0.0.1 is in use"
            await server.aclose()


class Refusing(Outbox):
    """An outbox whose store refuses the first calls.

    Attributes:
        refuses: so many times more.
    """

    refuses = 3

    async def returned(self, name: str, to: Address) -> None:
        if self.refuses:
            self.refuses -= 1
            raise StorageError("the database is away")
        await super().returned(name, to)


async def test_parked_replies_leave_when_the_store_is_back_and_the_outage_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "supervisor.wires.socket.server")
    async with Core(tmp_path) as core:
        outbox = Refusing(core.store.outbox)
        server = SocketServer(config.Supervisor(port=0), replace(core.api, outbox=outbox), check_seconds=0.01)
        await server.start()
        async with connect(server.url, additional_headers={"Authorization": f"Bearer {SERVICE}"}, proxy=None):
            await until(lambda: "woken again" in caplog.text, "they are woken")
        await server.aclose()
    lines = [record.getMessage() for record in caplog.records if "parked" in record.getMessage()]
    assert outbox.refuses == 0
    assert [line.partition(": ")[2] for line in lines] == [
        "parked replies cannot be woken: Storage failed: the database is away",
        "parked replies can be woken again",
    ]


async def test_port_0_takes_a_free_one_and_says_which(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        host, port = listening.server.address
        assert host == "127.0.0.1"
        assert port > 0
        assert listening.server.url == f"ws://127.0.0.1:{port}"


async def test_closing_the_doors_lets_what_runs_end(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        await client.connect(listening.core)
        await client.send("claude_code_message", session_id="s1", message="hold", request_id="running")
        await until(listening.scripted.held, "the prompt to be held")
        listening.server.refuse_new()
        late = await client.ask("claude_code_message", session_id="s1", message="late")
        assert (late["code"], late["message"]) == ("unavailable", "The daemon is shutting down")
        assert (await client.ask("get_session_status", session_id="s1"))["type"] == "session_status"
        with pytest.raises(ConnectionRefusedError):
            await listening.raw()
        listening.scripted.release()
        assert (await client.receive())["request_id"] == "running"


async def test_stopping_answers_what_waits_before_it_closes_with_1001(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client, idle, unknown = await listening.client(), await listening.client(), await listening.client(None)
        await client.connect(listening.core)
        await client.send("claude_code_message", session_id="s1", message="hold", request_id="r")
        await until(listening.scripted.held, "the prompt to be held")
        listening.server.refuse_new()
        await listening.core.turns.drain(0.05)
        closing = asyncio.create_task(listening.server.aclose())
        answer = await client.receive()
        assert (answer["code"], answer["request_id"]) == ("turn_failed", "r")
        for one in (client, idle, unknown):
            assert (await one.closed())[0] == 1001
        async with asyncio.timeout(scaled(PATIENCE)):
            await closing


async def test_stopping_acknowledges_the_texts_whose_replies_are_still_to_come(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        text = {"from": "+15550100", "to": "+15550199", "message": "hold", "user": "alice"}
        await client.send("sms_received", **text, request_id="r")
        await until(listening.assistant.held, "the prompt to be held")
        closing = asyncio.create_task(listening.server.aclose())
        acknowledged = await client.receive()
        assert (acknowledged["type"], acknowledged["request_id"]) == ("message_acknowledged", "r")
        assert (await client.closed())[0] == 1001
        await closing


async def test_stopping_waits_for_nobody_who_does_not_answer(tmp_path: Path) -> None:
    async with Listening(tmp_path, close_seconds=0.05) as listening:
        client = await listening.client()
        client.websocket.transport.pause_reading()
        async with asyncio.timeout(scaled(PATIENCE)):
            await listening.server.aclose()
        client.websocket.transport.resume_reading()
        assert isinstance(client, Client)
