"""Tasks that have an owner."""

from __future__ import annotations

import asyncio

import pytest

from supervisor.runtime.tasks import TaskSet


async def test_what_ends_in_time_is_waited_for_and_the_rest_is_cancelled() -> None:
    ended: list[str] = []
    gate = asyncio.Event()

    async def quick() -> None:
        await gate.wait()
        ended.append("quick")

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("endless")

    tasks = TaskSet()
    tasks.spawn(quick(), "quick")
    tasks.spawn(endless(), "endless")
    gate.set()
    await tasks.aclose(0.05)
    assert ended == ["quick", "endless"]
    await tasks.aclose(0)


async def test_a_task_that_fails_is_logged_under_its_name(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> None:
        raise RuntimeError("a fault of ours")

    tasks = TaskSet()
    tasks.spawn(broken(), "the broken one")
    await tasks.aclose(1)
    assert "the broken one failed" in caplog.text
    assert "a fault of ours" in caplog.text
