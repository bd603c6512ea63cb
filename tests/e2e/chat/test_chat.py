"""A chat goes on over a daemon that is killed, stopped and started again; and over the real Claude Code."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from supervisor.protocol.ids import uuid7
from tests.e2e.chatting import chatting, jwt_of, kinds, raw, text_of, url_of
from tests.e2e.world import World, script, slow_answer
from tests.slowness import scaled
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

AGAIN = "\n\n(started again after a restart)\n\n"

SLOW = script(slow_answer(1000, 200.0))
"""An answer that outlives every test, a word every 0.2 s."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with World(tmp_path_factory.mktemp("world"), connector="echo", drain=scaled(0.5)) as world:
        yield world


@pytest_asyncio.fixture(loop_scope="module")
async def world(shared: World) -> World:
    """One world for all tests; each has a chat of its own, finds the daemon running, and leaves no answer running."""
    await shared.start()
    return shared


async def test_an_answer_that_was_killed_begins_again_and_says_so(world: World) -> None:
    session = uuid7()
    async with chatting(world, session_id=session) as client:
        await client.ask(script({"text": "before"}))
        await client.say(SLOW)
        await client.next("token")
        after = client.last_seq
        await world.daemon.stop(signal.SIGKILL)
        assert (await client.closed())[0] == 1006
    await world.start()

    # The front ends that exist come back with the same id, and ask for nothing.
    async with chatting(world, session_id=session) as client, chatting(world, session_id=session) as other:
        assert client.frames[0]["history_count"] == 3
        assert client.frames[0]["seq"] > after
        # One that asks for what it missed gets the history, and then the running answer from its beginning.
        await other.send("resume", after_seq=after)
        history = await other.next("history")
        assert [message["role"] for message in history["messages"]] == ["user", "assistant", "user"]
        for reader in (client, other):
            assert (await reader.next("token"))["content"].startswith(AGAIN)
            while "w1 " not in text_of(reader.frames):
                await reader.receive()
            assert text_of(reader.frames).startswith(f"{AGAIN}w0 w1 ")
        await client.send("interrupt")
        for reader in (client, other):
            assert (await reader.answer())[-1]["type"] == "interrupted"
        messages = await client.history(4)  # an interrupt is answered after 150 ms, even where its turn has yet to end
        assert messages[1]["content"] == "before"
        assert messages[3]["content"].startswith("w0 w1 ")  # the mark is no part of it


async def test_who_comes_back_learns_of_every_end_that_it_has_missed(world: World) -> None:
    session = uuid7()
    async with chatting(world, session_id=session) as client:
        await client.ask(script({"text": "before"}))
        (first,) = client.frames[-1]["message_ids"]
        await client.say(script(slow_answer(8, 6.0)))
        await client.next("token")
        after = client.last_seq
        await world.daemon.stop(signal.SIGKILL)
    await world.start()
    headers = {"Authorization": f"Bearer {await jwt_of(world)}"}

    async def has_ended() -> bool:
        got = await world.client.get(f"{world.http}/api/claude-chat/sessions/{session}", headers=headers)
        return len(got.json()["messages"]) == 4

    await until(has_ended, "the answer began again, and ended while nobody looked")
    async with chatting(world, session_id=session) as one, chatting(world, session_id=session) as two:
        for reader in (one, two):
            await reader.send("resume", after_seq=after, open=[first, "unknown"])
            found = await reader.until("resumed")
            ends = [frame for frame in found if frame["type"] == "complete"]
            second = found[kinds(found).index("history")]["messages"][2]["id"]
            # Of the first one nobody can tell any more whether its end went out, so it comes because it was asked for.
            assert [end["message_ids"] for end in ends] == [[second], [first]]
            assert kinds(found) == ["history", "complete", "complete", "resumed"]
        await two.send("resume", after_seq=two.last_seq, open=[second])
        assert kinds(await two.until("resumed")) == ["complete", "resumed"]
    async with chatting(world, session_id=session) as late:  # one that asks for nothing has seen it before it came
        await late.silence()


async def test_a_stop_closes_chats_in_a_way_that_clients_retry_and_nothing_is_lost(world: World) -> None:
    session = uuid7()
    async with chatting(world, session_id=session) as client:
        await client.say(SLOW)
        await client.next("token")
        assert await world.daemon.stop() == 0
        code, _ = await client.closed()
        assert code not in (1000, 4001, 4003)
        assert not [frame for frame in client.frames if frame["type"] in ("complete", "error", "interrupted")]
    await world.start()
    async with chatting(world, session_id=session) as client:
        assert (await client.next("token"))["content"].startswith(AGAIN)
        await client.send("interrupt")
        assert (await client.answer())[-1]["type"] == "interrupted"


async def test_waiting_messages_survive_a_kill_in_order(world: World) -> None:
    session = uuid7()
    async with chatting(world, session_id=session) as client:
        await client.say(SLOW)
        await client.next("token")
        for text in ("second", "third"):
            await client.say(script({"text": text}), external_id=text)
            await client.next("queued")
        await world.daemon.stop(signal.SIGKILL)
    await world.start()
    async with chatting(world, session_id=session) as client:
        await client.next("token")
        await client.send("interrupt")
        assert (await client.answer())[-1]["type"] == "interrupted"
        assert [text_of(await client.answer()) for _ in range(2)] == ["second", "third"]
        again = await client.ask(script({"text": "third"}), external_id="third")  # uncertain, so it is sent again
        assert kinds(again) == ["complete"]


async def test_a_client_that_retries_every_few_seconds_comes_back_by_itself(world: World) -> None:
    """As the front ends do: the same URL again and again, until somebody answers."""
    session, token = uuid7(), await jwt_of(world)
    url = url_of(world, "/api/v1/claude-chat/ws", token=token, session_id=session)
    async with raw(url) as client:
        await client.receive()
        await client.ask(script({"text": "one"}))
    await world.daemon.stop(signal.SIGKILL)
    came: list[str] = []

    async def come_back() -> None:
        while True:
            try:
                async with raw(url) as client:
                    came.append(str((await client.receive())["session_id"]))
                    return
            except OSError:
                await asyncio.sleep(0.05)

    coming = asyncio.create_task(come_back())
    await world.start()
    await coming
    assert came == [session]


@pytest.mark.cli_process
async def test_claude_code_in_a_chat_asks_in_the_chat_and_one_answer_counts(tmp_path: Path) -> None:
    async with World(tmp_path, claude_code='sandbox = "off"') as world:
        await world.start()
        target = world.project() / "made.txt"
        command = f"touch {target}"
        tool = {"tools": [{"name": "Bash", "input": {"command": command, "description": "make a file"}}]}
        async with chatting(world) as one, chatting(world, session_id=one.session_id) as two:
            await one.say("@site " + script(tool, {"text": "It is made."}))
            asked = [await reader.next("confirm_request") for reader in (one, two)]
            assert asked[0]["id"] == asked[1]["id"]
            assert asked[0]["tool"] == "Bash"
            assert asked[0]["input"]["command"] == command
            assert asked[0]["expires_at"].endswith("Z")
            async with chatting(world, session_id=one.session_id) as late:
                assert (await late.next("confirm_request"))["id"] == asked[0]["id"]
            assert not target.exists()
            for reader in (one, two):
                await reader.send("confirm", id=asked[0]["id"], decision="allow")
            for reader in (one, two):
                resolved = await reader.next("confirm_resolved")
                assert (resolved["id"], resolved["decision"], resolved["by"]) == (asked[0]["id"], "allow", "alice")
            answer = await one.answer()
            assert "It is made." in text_of(answer)
            assert answer[-1]["type"] == "complete"
            await until(target.exists, "the command has run")
            notices = [frame for frame in (*one.frames, *two.frames) if frame["type"] == "notice"]
            assert len(notices) <= 1  # the one that came second is told so
            await one.send("confirm", id=asked[0]["id"], decision="deny")
            assert (await one.next("notice"))["message"]
