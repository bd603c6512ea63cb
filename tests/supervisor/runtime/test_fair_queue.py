"""The line for a process: in order, users in turn, and nobody who leaves takes a turn along."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from supervisor.config import ClaudeCode
from supervisor.core.ground import Tuning
from supervisor.protocol.errors import ConnectionFailed
from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.status import EndReason, TurnState
from supervisor.runtime.fair_queue import FairQueue
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import OPERATOR, Core
from tests.supervisor.helpers import ask, connect, project, scripted, send, session, state
from tests.waiting import until

ADA, BEN = UserId("ada"), UserId("ben")


async def line(queue: FairQueue, *names: str) -> tuple[list[str], list[asyncio.Task[None]]]:
    """Let some wait, named by their user and a number; return who was served, and their tasks."""
    served: list[str] = []

    async def wait(name: str) -> None:
        await queue.wait(UserId(name.split("-")[0]))
        served.append(name)

    tasks = [asyncio.create_task(wait(name), name=name) for name in names]
    await until(lambda: sum(len(waiting) for waiting in queue._waiters.values()) == len(names), "all wait")
    return served, tasks


async def test_users_are_served_in_turn_each_in_their_order() -> None:
    queue = FairQueue()
    assert not queue.contended
    served, tasks = await line(queue, "ada-1", "ada-2", "ada-3", "ben-1")
    assert queue.contended
    for number in range(1, 5):
        queue.wake_next()
        await until(lambda: len(served) == number, "one is served")  # noqa: B023
    assert served == ["ada-1", "ben-1", "ada-2", "ada-3"]
    await asyncio.gather(*tasks)
    assert not queue.contended
    queue.wake_next()


async def test_who_leaves_takes_no_turn_along() -> None:
    queue = FairQueue()
    served, tasks = await line(queue, "ada-1", "ben-1", "ben-2")
    tasks[0].cancel()
    queue.wake_next()  # ada was called, and leaves at the same moment
    await until(lambda: served == ["ben-1"], "the next one is served")
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert not queue.contended


async def test_all_look_when_nobody_is_served_any_more() -> None:
    queue = FairQueue()
    served, tasks = await line(queue, "ada-1", "ada-2", "ben-1")
    queue.wake_all()
    await asyncio.gather(*tasks)
    assert sorted(served) == ["ada-1", "ada-2", "ben-1"]


def small(folder: Path, processes: int, **more: object) -> Core:
    settings = ClaudeCode(max_sessions=10_000, max_processes=processes)
    free = project(folder, "free", concurrent=True)
    return Core(folder, connector=ScriptedConnector(), claude_code=settings, projects=free, **more)  # type: ignore[arg-type]


async def test_a_connect_and_a_disconnect_do_not_wait_without_end_while_all_are_busy(tmp_path: Path) -> None:
    async with small(tmp_path, 1, tuning=Tuning(process_wait_seconds=0.05)) as core:
        free = tmp_path / "free"
        await connect(core, "busy", path=free)
        await send(core, "hold on", "busy")
        await until(scripted(core).held, "it works")
        with pytest.raises(ConnectionFailed, match="every process is busy"):
            await connect(core, "late", path=free)
        taken = await send(core, "hello", "late")  # a prompt waits for room, as long as it takes
        await core.operations.sessions.disconnect(core.directory.caller(OPERATOR), SessionId("late"))
        assert await state(core, taken) is TurnState.CANCELLED
        scripted(core).release()
        await until(core.all_answered, "the other one has ended")
        assert (await session(core, "late")).end_reason == EndReason.USER
        assert [conversation.spec.id for conversation in scripted(core).opened] == ["busy"]


async def test_hundreds_of_sessions_share_a_few_processes_and_all_are_answered(tmp_path: Path) -> None:
    async with small(tmp_path, 4) as core:
        free, pick = tmp_path / "free", random.Random(7)
        names = [f"s{number}" for number in range(120)]
        for name in names:
            await connect(core, name, path=free, user="alice" if pick.random() < 0.9 else "bob")
        jobs = [(name, f"{name} message {number}") for name in names for number in range(2)]
        pick.shuffle(jobs)
        order: dict[str, list[str]] = {}
        for name, text in jobs:
            order.setdefault(name, []).append(text)
        ends = await asyncio.gather(*(ask(core, text, name) for name, text in jobs))
        assert [end.answer for end in ends] == [text for _, text in jobs]
        assert {name: scripted(core).texts(name) for name in names} == order
        assert scripted(core).most_processes <= 4
