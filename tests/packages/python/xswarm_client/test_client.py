"""The client against a real daemon with the real Claude Code."""

from __future__ import annotations

import asyncio
import signal
import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.world import HANG, World, script, slow_answer, write_file
from tests.packages.python.xswarm_client.programs import client
from tests.ports import free_port
from tests.slowness import scaled
from tests.waiting import until
from xswarm_client import Answer, Event, Question, Reconnected, Text, TimedOut, Tool, XswarmError

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with World(tmp_path_factory.mktemp("world"), socket_port=free_port()) as world:
        await world.start()
        yield world


async def test_claude_code_writes_a_file_and_all_of_it_streams(world: World) -> None:
    path = world.project() / "hello.txt"
    async with await client(world) as alice:
        assert (alice.user, alice.server.partition("/")[0]) == ("alice", "xswarm")
        session = await alice.session()
        prompt = script(write_file(path, "hello"), {"text": "it is written"})
        events = [event async for event in session.stream(prompt)]
        assert path.read_text(encoding="utf-8") == "hello"
        answer = events[-1]
        assert isinstance(answer, Answer)
        assert (answer.content, answer.session_id) == ("it is written", session.id)
        assert "".join(event.text for event in events if isinstance(event, Text)) == "it is written"
        tools = [event for event in events if isinstance(event, Tool)]
        assert [(tool.name, tool.status) for tool in tools] == [("Write", "started"), ("Write", "succeeded")]
        assert tools[0].input == {"file_path": str(path), "content": "hello"}

        again = await session.ask("what did I say? " + script({"text": "a second answer"}))
        assert again.content == "a second answer"
        history = await session.history()
        assert [message.message for message in history][1::2] == ["it is written", "a second answer"]
        status = await session.status()
        assert (status.user_id, status.message_count) == ("alice", 2)
        assert status.cost_usd > 0
        assert (await alice.cost(session_id=session.id)).total_usd == pytest.approx(status.cost_usd)
        by_user = await alice.cost(group_by="user")
        assert [row.key for row in by_user.rows] == ["alice"]
        assert session.id in [one.session_id for one in await alice.sessions()]
        await session.close()
        with pytest.raises(XswarmError) as refused:
            await session.ask("more")
        assert (refused.value.code, bool(refused.value.remedy)) == ("session_not_active", True)


async def test_a_turn_is_interrupted_by_hand_by_a_timeout_and_by_leaving_the_stream(world: World) -> None:
    async with await client(world) as alice:
        session = await alice.session()
        asked = asyncio.create_task(session.ask(script(HANG)))
        await until(lambda: world.turns("running"), "it runs", 30)
        async with asyncio.timeout(scaled(30)):  # the store has it before the daemon's loop does
            while not await session.interrupt():
                pass
        with pytest.raises(XswarmError) as stopped:
            await asked
        assert stopped.value.code == "turn_failed"
        assert not await session.interrupt()

        with pytest.raises(TimedOut):
            await session.ask(script(HANG), timeout=1.0)
        await until(lambda: not world.turns("running"), "the turn is stopped", 30)

        async for event in session.stream(script(slow_answer(300, 60.0))):
            if isinstance(event, Text):
                break
        await until(lambda: not world.turns("running"), "the turn is stopped", 30)
        assert (await session.ask(script({"text": "goes on"}))).content == "goes on"
        await session.close()


@pytest.mark.parametrize("allow", [True, False])
async def test_a_question_is_answered_by_the_program(world: World, allow: bool) -> None:
    made = world.project() / f"made-{allow}.txt"
    call = {"tools": [{"name": "Bash", "input": {"command": f"touch {made.name}"}}]}
    async with await client(world) as alice, await client(world, "") as service:
        session = await alice.session()
        questions = service.questions()

        async def decide(event: Event) -> None:
            if isinstance(event, Question):
                assert (event.tool, event.session_id) == ("Bash", session.id)
                assert (await anext(questions)).approval_id == event.approval_id
                await (alice.approve(event) if allow else service.deny(event.code, "not today"))

        answer = await session.ask(script(call, {"text": "asked"}), on_event=decide)
        assert answer.content.startswith("asked")
        assert ("denied by program: not today" in answer.content, made.exists()) == (not allow, allow)
        await questions.aclose()
        await session.close()


async def test_a_message_is_routed_and_its_repetition_gets_the_first_answer(world: World) -> None:
    async with await client(world) as alice:
        name = str(uuid.uuid4())
        prompt = "claude: " + script({"text": "routed"})
        first = await alice.ask(prompt, thread="t1", external_id=name)
        assert (first.content, first.target, bool(first.session_id)) == ("routed", "claude_code", True)
        assert await alice.ask(prompt, thread="t1", external_id=name) == first


async def test_a_daemon_that_is_killed_in_mid_answer_answers_once(world: World) -> None:
    async with await client(world) as alice:
        session = await alice.session()
        events: list[Event] = []
        asked = asyncio.create_task(session.ask(script(slow_answer(200, 4.0)), on_event=events.append))
        await until(lambda: any(isinstance(event, Text) for event in events), "it speaks", 30)
        await world.daemon.stop(signal.SIGKILL)
        await world.start()
        answer = await asked
        assert answer.content.split() == [f"w{number}" for number in range(200)]
        assert [event for event in events if isinstance(event, Reconnected)]
        assert [message.id for message in await session.history()].count(answer.message_id) == 1
        assert (await session.status()).message_count == 1

        # Where a tool had started, nothing runs again by itself: the program is told so.
        path, known = world.project() / "once.txt", world.tools_started()
        asked = asyncio.create_task(session.ask(script(write_file(path, "once"), HANG)))
        await until(path.exists, "a tool has run", 30)
        await until(lambda: world.tools_started() > known, "it is known")
        path.unlink()
        await world.daemon.stop(signal.SIGKILL)
        await world.start()
        with pytest.raises(XswarmError, match="the daemon was restarted") as failed:
            await asked
        assert failed.value.code == "turn_failed"
        assert not path.exists()
