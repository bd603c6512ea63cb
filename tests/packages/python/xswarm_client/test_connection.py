"""A connection that is lost comes back: what may be repeated is repeated, and nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from tests.packages.python.xswarm_client.stand_ins import daemon, say
from tests.ports import free_port
from tests.slowness import scaled
from tests.waiting import until
from xswarm_client import AsyncClient
from xswarm_client.connection import Connection
from xswarm_client.errors import ConnectionLost, Unreachable, XswarmError
from xswarm_client.events import Answer, Reconnected, Text
from xswarm_client.settings import Settings

Heard = list[dict[str, Any]]


def at(url: str) -> Settings:
    """Return settings for a URL."""
    return Settings(url=url, http_url="http://127.0.0.1:1", token="secret")


async def test_a_repeatable_request_is_sent_again_and_another_one_is_not() -> None:
    heard: Heard = []

    async def cut_once(frame: dict[str, Any], websocket: ServerConnection) -> None:
        heard.append(frame)
        if len(heard) <= 2:
            await websocket.close()
        else:
            await say(websocket, type="pong", request_id=frame["request_id"])

    async with daemon(cut_once, {}) as url:
        connection = Connection(at(url))
        await connection.open()
        with pytest.raises(ConnectionLost):
            await connection.request({"type": "claude_code_interrupt"}, repeat=False)
        assert (await connection.request({"type": "get_cost"}))["type"] == "pong"
        assert [frame["type"] for frame in heard] == ["claude_code_interrupt", "get_cost", "get_cost"]
        assert heard[1] == heard[2]
        await connection.close()
        with pytest.raises(XswarmError):
            await connection.request({"type": "ping"}, timeout=0.5)


async def test_a_daemon_that_says_it_stops_is_asked_again() -> None:
    heard: Heard = []

    async def stop_once(frame: dict[str, Any], websocket: ServerConnection) -> None:
        heard.append(frame)
        if len(heard) == 1:
            await say(websocket, type="error", code="unavailable", message="stopping", request_id=frame["request_id"])
            await websocket.close(1001)
        else:
            await say(websocket, type="pong", request_id=frame["request_id"])

    async with daemon(stop_once, {}) as url:
        connection = Connection(at(url))
        await connection.open()
        assert (await connection.request({"type": "message"}))["type"] == "pong"
        assert len(heard) == 2
        await connection.close()


async def test_subscriptions_come_back_with_the_connection() -> None:
    heard: Heard = []

    async def cut_after_ping(frame: dict[str, Any], websocket: ServerConnection) -> None:
        heard.append(frame)
        if frame["type"] == "ping":
            await websocket.close()
        else:
            await say(websocket, type="subscribed", topics=frame["topics"], request_id=frame.get("request_id"))

    async with daemon(cut_after_ping, {}) as url:
        connection = Connection(at(url))
        await connection.open()
        assert await connection.subscribe("session:s1")
        with pytest.raises(ConnectionLost):
            await connection.request({"type": "ping"}, repeat=False)
        await until(lambda: len(heard) == 3, "it subscribes again")
        assert (heard[2]["type"], heard[2]["topics"]) == ("subscribe", ["session:s1"])
        await connection.close()


async def test_a_daemon_that_stays_away_is_given_up() -> None:
    async def silent(frame: dict[str, Any], websocket: ServerConnection) -> None:
        return

    async with daemon(silent, {}) as url:
        connection = Connection(at(url), away_seconds=0.5)
        await connection.open()
        asked = asyncio.create_task(connection.request({"type": "get_cost"}, timeout=None))
        await asyncio.sleep(0)
    with pytest.raises(Unreachable):
        await asked
    with pytest.raises(Unreachable):
        await connection.request({"type": "ping"})
    await connection.close()


async def test_a_daemon_that_comes_back_late_is_found_by_the_next_request() -> None:
    heard: Heard = []

    async def answer(frame: dict[str, Any], websocket: ServerConnection) -> None:
        heard.append(frame)
        await say(websocket, type="done", request_id=frame.get("request_id"))

    port = free_port()
    async with daemon(answer, {}, port) as url:
        connection = Connection(at(url), away_seconds=scaled(0.3))
        await connection.open()
        assert await connection.subscribe("session:s1")
    for _ in range(2):
        with pytest.raises(Unreachable):
            await connection.request({"type": "ping"})
    async with daemon(answer, {}, port):
        assert (await connection.request({"type": "ping"}))["type"] == "done"
        await until(lambda: [frame["type"] for frame in heard].count("subscribe") == 2, "it subscribes again")
        await connection.close()
    with pytest.raises(ConnectionLost, match="the client was closed"):
        await connection.request({"type": "ping"})


async def test_an_older_daemon_without_topics_and_without_most_fields_still_answers() -> None:
    async def older(frame: dict[str, Any], websocket: ServerConnection) -> None:
        back = frame["request_id"]
        match frame["type"]:
            case "claude_code_connect":
                await say(websocket, type="claude_code_connected", request_id=back, session_id=frame["session_id"])
            case "claude_code_message":
                await say(websocket, type="claude_code_response", request_id=back, content="short", message_id="m1")
            case kind:
                await say(websocket, type="error", code="invalid_message", message=f"type: {kind}?", request_id=back)

    async with daemon(older, {}) as url, AsyncClient(url, "secret", user="alice", project="/srv") as client:
        session = await client.session()
        assert [event async for event in session.stream("hi")] == [Answer(content="short", message_id="m1")]
        with pytest.raises(XswarmError) as refused:
            await client.cost()
        assert refused.value.code == "invalid_message"


async def test_types_and_fields_of_a_newer_daemon_are_ignored_and_lost_text_is_announced() -> None:
    cuts = 0

    async def newer(frame: dict[str, Any], websocket: ServerConnection) -> None:
        nonlocal cuts
        back = frame.get("request_id")
        await say(websocket, type="weather_changed", outlook="bright")
        match frame["type"]:
            case "claude_code_connect":
                await say(websocket, type="claude_code_connected", request_id=back, status="connected", mood="good")
            case "subscribe":
                await say(websocket, type="subscribed", request_id=back, topics=frame["topics"], new=True)
            case "claude_code_message":
                of = {"session_id": frame["session_id"], "message_id": "m1", "shade": 3}
                if not cuts:
                    cuts += 1
                    await say(websocket, type="claude_code_delta", text="half", **of)
                    await websocket.close(1001)
                    return
                await say(websocket, type="claude_code_delta", text="half a loaf", **of)
                await say(websocket, type="claude_code_dream", text="?", **of)
                await say(
                    websocket, type="claude_code_response", request_id=back, content="half a loaf", usage={}, **of
                )
            case _:
                pass

    async with (
        daemon(newer, {"protocol": 2}) as url,
        AsyncClient(url, "secret", user="alice", project="/srv") as client,
    ):
        session = await client.session()
        events = [event async for event in session.stream("hi")]
    assert events[:3] == [Text("half"), Reconnected(), Text("half a loaf")]
    assert isinstance(events[3], Answer)
    assert (events[3].content, events[3].cost_usd) == ("half a loaf", None)
