"""Chats over a whole daemon: killed in the middle of two answers, and gone on with from a terminal."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.chatting import Frame, chatting, kinds, text_of
from tests.e2e.world import World, script, slow_answer
from tests.waiting import until

pytestmark = [pytest.mark.e2e]

AGAIN = "\n\n(started again after a restart)\n\n"


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path, connector="echo") as world:
        await world.start()
        yield world


def words(count: int) -> str:
    return " ".join(f"w{number}" for number in range(count))


async def rest_of(world: World, session_id: str) -> list[Frame]:
    """Return what a new connection of a chat gets of its running answer."""
    async with chatting(world, session_id=session_id) as client:
        return await client.answer()


async def test_two_answers_go_on_after_a_kill_and_a_terminal_goes_on_with_the_chat(world: World) -> None:
    async with chatting(world) as one, chatting(world) as other:
        await one.say(script(slow_answer(40, 8.0)))
        await other.say(script(slow_answer(60, 8.0)))
        await other.say("and what is left?")
        assert (await other.next("queued"))["position"] == 1
        await asyncio.gather(one.next("token"), other.next("token"))
        first, second = one.session_id, other.session_id
        await world.daemon.stop(signal.SIGKILL)
    await world.start()
    ends = await asyncio.gather(rest_of(world, first), rest_of(world, second))
    for frames, count in zip(ends, (40, 60), strict=True):
        assert kinds(frames) == ["token", "complete"]
        assert text_of(frames) == f"{AGAIN}{words(count)}"
    await until(lambda: not world.turns("pending") and not world.turns("running"), "the queue is empty")
    async with chatting(world, session_id=second) as client:
        await client.send("get_history")
        contents = [one["content"] for one in (await client.next("history"))["messages"]]
        assert (len(contents), contents[1], contents[2]) == (4, words(60), "and what is left?")

    listed = {one["session_id"]: one for one in (await world.daemon.xswarm("claude", "status", "--json")).document}
    assert (listed[first]["kind"], listed[first]["project_path"], listed[first]["message_count"]) == ("chat", "", 1)
    assert listed[first]["title"].startswith('@@{"steps"')
    sent = await world.daemon.xswarm("claude", "send", second, script({"text": "from the assistant"}))
    assert (sent.code, sent.out.strip()) == (0, "from the assistant")
    read = (await world.daemon.xswarm("claude", "history", second, "--json")).document
    assert [row["direction"] for row in read["messages"]] == ["to_claude", "from_claude"] * 3
    assert read["messages"][-1]["message"] == "from the assistant"
    typed = await world.daemon.xswarm("claude", "connect", second, stdin=script({"text": "to a terminal"}) + "\n")
    assert typed.code == 0, typed
    assert "to a terminal" in typed.out
    assert "(chat)" in (await world.daemon.xswarm("claude", "status")).out
    spent = (await world.daemon.xswarm("claude", "cost", "--by", "session", "--json")).document
    assert {row["key"] for row in spent["rows"]} >= {first, second}

    async with chatting(world, session_id=first) as client:
        await client.say(script(slow_answer(200, 60.0)))
        await client.next("token")
        assert (await world.daemon.xswarm("claude", "interrupt", first)).code == 0
        assert kinds(await client.answer())[-1] == "interrupted"
        assert (await world.daemon.xswarm("claude", "stop", first)).code == 0
        assert text_of(await client.ask(script({"text": "and on"}))) == "and on"
    assert (await world.daemon.xswarm("db", "check")).code == 0
