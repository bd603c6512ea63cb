"""The client of the supervisor socket, against a real server."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.asyncio.server import ServerConnection, serve

from cli.daemon.addresses import Daemon
from cli.daemon.client import body, connected, find_session
from cli.failures import Mistake, Refused, Unreachable
from supervisor.protocol.errors import NotAuthenticated, SessionNotFound
from supervisor.protocol.events import Pong
from supervisor.protocol.requests import ClaudeCodeMessage, GetSessionStatus, Ping, Subscribe
from tests.cli.conftest import SESSION
from tests.cli.daemon_stand_in import OPERATOR, DaemonStandIn
from tests.waiting import until


def at(daemon: DaemonStandIn, token: str = OPERATOR) -> Daemon:
    return Daemon(socket=f"ws://127.0.0.1:{daemon.port}", token=token)


async def test_answers_find_their_questions_in_any_order(daemon: DaemonStandIn) -> None:
    async with connected(at(daemon)) as client:
        waiting = asyncio.create_task(
            client.ask(ClaudeCodeMessage(session_id=SESSION, message="wait", external_id="1"), timeout=None)
        )
        await until(lambda: "wait" in daemon.records.prompts, "the turn runs")
        assert (await client.ask(GetSessionStatus(session_id=SESSION)))["session_id"] == SESSION
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_refusal_carries_code_and_text(daemon: DaemonStandIn) -> None:
    async with connected(at(daemon)) as client:
        with pytest.raises(Refused, match="Session not found: x") as caught:
            await client.ask(GetSessionStatus(session_id="x"))
    assert caught.value.code == "session_not_found"


async def test_pushed_events_come_beside_the_answers(daemon: DaemonStandIn) -> None:
    async with connected(at(daemon)) as client:
        await client.ask(Subscribe(topics=["sessions"]))
        await asyncio.to_thread(daemon.push, Pong(), "sessions")
        assert (await anext(client.pushed()))["type"] == "pong"


async def test_wrong_token_is_not_authenticated(daemon: DaemonStandIn) -> None:
    with pytest.raises(NotAuthenticated):
        async with connected(at(daemon, "wrong")):
            pass


async def test_nobody_listening_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="connection refused"):
        async with connected(Daemon(socket="ws://127.0.0.1:1", token="t")):
            pass


async def test_daemon_that_goes_away_ends_questions_and_events(daemon: DaemonStandIn) -> None:
    async with connected(at(daemon)) as client:
        question = asyncio.create_task(
            client.ask(ClaudeCodeMessage(session_id=SESSION, message="wait", external_id="1"), timeout=None)
        )
        await until(lambda: "wait" in daemon.records.prompts, "the turn runs")
        await asyncio.to_thread(daemon.stop)
        with pytest.raises(Unreachable):
            await question
        assert [frame async for frame in client.pushed() if frame["type"] != "claude_code_delta"] == []
        with pytest.raises(Unreachable):
            await client.ask(Ping())
    await asyncio.to_thread(daemon.start)


@pytest.mark.parametrize("answer", ["hello", "[]"])
async def test_garbage_is_no_supervisor(answer: str) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(answer)
        await connection.wait_closed()

    async with serve(talk, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        with pytest.raises(Unreachable, match="no supervisor socket"):
            async with connected(Daemon(socket=f"ws://127.0.0.1:{port}", token="t")):
                pass


async def test_silence_ends_after_the_timeout() -> None:
    async def talk(connection: ServerConnection) -> None:
        async for text in connection:
            request = json.loads(text)
            if request["type"] == "auth":
                answer = {"type": "auth_result", "success": True, "request_id": request["request_id"]}
                await connection.send(json.dumps(answer))

    async with serve(talk, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with connected(Daemon(socket=f"ws://127.0.0.1:{port}", token="t")) as client:
            with pytest.raises(Unreachable, match="no answer within"):
                await client.ask(Ping(), timeout=0.01)


async def test_session_is_found_by_a_unique_end(daemon: DaemonStandIn) -> None:
    async with connected(at(daemon)) as client:
        assert (await find_session(client, SESSION))["session_id"] == SESSION
        assert (await find_session(client, SESSION[-6:]))["session_id"] == SESSION


async def test_ended_session_is_found_by_its_end(daemon: DaemonStandIn) -> None:
    daemon.records.sessions[SESSION]["status"] = "disconnected"
    async with connected(at(daemon)) as client:
        assert (await find_session(client, SESSION[-6:]))["session_id"] == SESSION


@pytest.mark.parametrize("given", [SESSION[-5:], "unknown-end", SESSION[:8]])
async def test_short_and_unknown_ends_name_no_session(daemon: DaemonStandIn, given: str) -> None:
    async with connected(at(daemon)) as client:
        with pytest.raises(SessionNotFound):
            await find_session(client, given)


async def test_ambiguous_end_names_the_candidates(daemon: DaemonStandIn) -> None:
    daemon.records.add_session("other-" + SESSION[-8:])
    async with connected(at(daemon)) as client:
        with pytest.raises(Mistake, match=f"{SESSION}, other-"):
            await find_session(client, SESSION[-8:])


async def test_whole_id_wins_over_the_end_of_another(daemon: DaemonStandIn) -> None:
    daemon.records.add_session("e6f708")
    async with connected(at(daemon)) as client:
        assert (await find_session(client, "e6f708"))["session_id"] == "e6f708"


def test_body_is_without_what_belongs_to_the_wire() -> None:
    assert body({"type": "cost", "request_id": "1", "rows": []}) == {"rows": []}
