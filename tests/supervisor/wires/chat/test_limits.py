"""What one client may cost: an HTTP server over a real core in this process, with a scripted assistant."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from supervisor import config
from supervisor.protocol import events
from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import UserId
from supervisor.wires.chat.connection import ChatConnection
from supervisor.wires.chat.frames import Notice
from supervisor.wires.chat.rooms.room import Room
from tests.e2e.chatting import ChatClient, raw
from tests.supervisor.wires.http.serving import Served
from tests.waiting import until


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with Served(tmp_path, limits=config.Limits(messages_per_minute=3, messages_per_hour=4)) as served:
        yield served


def url(served: Served, session_id: str = "s1", user_id: str = "alice") -> str:
    token, _ = served.core.directory.issue_jwt(UserId(user_id), minutes=5)
    base = served.server.url.replace("http", "ws", 1)
    return f"{base}/api/claude-chat/ws?token={token}&session_id={session_id}"


@asynccontextmanager
async def chatting(served: Served, session_id: str = "s1", **options: Any) -> AsyncIterator[ChatClient]:
    async with raw(url(served, session_id), **options) as client:
        assert (await client.receive())["type"] == "connected"
        yield client


def room_of(served: Served, session_id: str = "s1") -> Room:
    """Return the room of a chat that is open."""
    return next(room for room in served.server.chat.rooms if room.session_id == session_id)


async def test_so_many_messages_are_taken_and_the_next_one_says_when(served: Served) -> None:
    async with chatting(served) as client:
        for number in range(3):
            assert (await client.ask(f"hello {number}"))[-1]["type"] == "complete"
        refused = (await client.ask("one too many"))[-1]
        assert (refused["type"], refused["code"], refused["message"]) == (
            "error",
            "rate_limited",
            "Rate limit exceeded",
        )
        assert 1 <= refused["retry_after"] <= 60
        word = await client.ask("STATUS")  # command words have a count of their own
        assert word[-1]["type"] == "complete"
        await client.send("get_history")
        assert len((await client.next("history"))["messages"]) == 8
    async with chatting(served, "s2") as other:
        assert (await other.ask("in another chat"))[-1]["code"] == "rate_limited"


async def test_a_client_that_reads_nothing_is_cut_off_and_costs_others_nothing(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    async with chatting(served) as idle, chatting(served) as reader:
        idle.connection.transport.pause_reading()
        room = room_of(served)
        with caplog.at_level(logging.WARNING):
            for number in range(300):  # 30 MB, more than the buffers of the kernel and ours hold
                room.audience.announce(Notice(message=f"{number} " + "x" * 100_000))
                assert (await reader.next("notice"))["message"].startswith(f"{number} ")
        assert [record.message for record in caplog.records] == [
            "alice: chat connection cut off, because the client does not read"
        ]
        await until(lambda: len(room.audience.members) == 1, "it has left the room")
        idle.connection.transport.resume_reading()
        assert (await reader.ask("on"))[-1]["type"] == "complete"


async def test_a_client_that_reads_slowly_gets_every_word(served: Served) -> None:
    async with chatting(served) as client:
        client.connection.transport.pause_reading()
        (member,) = room_of(served).audience.members
        assert isinstance(member, ChatConnection)
        texts: list[str] = []

        def say(text: str) -> None:
            texts.append(text)
            served.core.hub.publish(token(text), ("session:s1",))

        while member._wire.writable.is_set():  # until nothing more fits between the two ends
            say("x" * 50_000)
        for number in range(5000):
            say(f" {number}")
        client.connection.transport.resume_reading()
        got = ""
        while len(got) < sum(map(len, texts)):
            got += (await client.next("token"))["content"]
        assert got == "".join(texts)
        assert len(client.frames) < len(texts) / 10  # many at once


def token(text: str) -> events.ClaudeCodeDelta:
    return events.ClaudeCodeDelta(session_id="s1", message_id="m1", text=text)


async def test_what_cannot_be_read_is_a_notice_and_ends_nothing(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with chatting(served) as client:
        await client.ask("hello")

        async def broken(*_: object, **__: object) -> None:
            raise StorageError("the disk is gone", "look at it")

        with monkeypatch.context() as patch:
            patch.setattr(type(served.core.store.chats), "history", broken)
            await client.send("get_history")
            notice = await client.receive()
            assert (notice["type"], notice["code"]) == ("notice", "storage")
            assert notice["message"] == "Storage failed: the disk is gone. look at it"
        await client.send("get_history")
        assert (await client.receive())["type"] == "history"


async def test_only_so_many_chats_are_open_at_once(served: Served) -> None:
    served.server.chat._max_connections = 2
    async with chatting(served), chatting(served, "s2"), raw(url(served, "s3")) as third:
        assert await third.closed() == (1008, "too many connections")
    async with chatting(served, "s3"):
        pass
