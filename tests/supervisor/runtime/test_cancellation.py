"""What is not to be cut off goes on although its caller is cancelled."""

from __future__ import annotations

import asyncio

import pytest

from supervisor.runtime.cancellation import shielded


class Work:
    """Waits until it may go on."""

    def __init__(self) -> None:
        self.begun, self.may_go_on, self.over = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @shielded
    async def do(self, answer: str) -> str:
        """Wait, and answer."""
        self.begun.set()
        await self.may_go_on.wait()
        self.over.set()
        if answer == "break":
            raise ValueError(answer)
        return answer


async def test_it_returns_and_raises_what_the_work_does() -> None:
    work = Work()
    work.may_go_on.set()
    assert await work.do("yes") == "yes"
    with pytest.raises(ValueError, match="break"):
        await work.do("break")


@pytest.mark.parametrize("answer", ["yes", "break"])
async def test_its_caller_leaves_at_once_and_it_goes_on(answer: str) -> None:
    work = Work()
    caller = asyncio.create_task(work.do(answer))
    await work.begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert not work.over.is_set()
    work.may_go_on.set()
    await work.over.wait()
