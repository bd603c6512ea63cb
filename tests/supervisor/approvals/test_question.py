"""An open question: its answer wakes who waits for it, and its process may be let go while nobody has answered."""

from __future__ import annotations

import asyncio

import pytest

from supervisor.approvals.question import PendingApproval
from supervisor.protocol.messages import SessionId
from tests.slowness import scaled


def question(*, may_rest: bool = True) -> PendingApproval:
    return PendingApproval("a1", SessionId("s1"), lambda: may_rest)


async def test_an_answer_wakes_who_waits() -> None:
    asked = question()
    waiting = asyncio.create_task(asked.wait(scaled(60.0)))
    asked.answer()
    await asyncio.wait_for(waiting, scaled(10.0))
    assert asked.answered
    await asyncio.wait_for(asked.wait(scaled(60.0)), scaled(10.0))  # and so for whoever comes later


async def test_waiting_ends_by_itself() -> None:
    asked = question()
    await asked.wait(0.0)
    assert not asked.answered


async def test_its_process_is_asked_for_once() -> None:
    asked = question()
    waiting = asyncio.create_task(asked.wait(scaled(60.0)))
    assert asked.hurry()
    await asyncio.wait_for(waiting, scaled(10.0))
    assert not asked.hurry()


@pytest.mark.parametrize("way", ["hurry", "rest"])
async def test_what_may_not_rest_keeps_its_process(way: str) -> None:
    assert not getattr(question(may_rest=False), way)()
    answered = question()
    answered.answer()
    assert not getattr(answered, way)()
    assert not answered.resting


async def test_once_it_rests_its_call_waits_for_the_end_of_its_process() -> None:
    asked = question()
    assert asked.rest()
    asked.answer()
    assert asked.resting
    gone = asyncio.create_task(asked.gone())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not gone.done(), "it waits"
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
