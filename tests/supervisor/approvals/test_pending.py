"""An open question: its answer wakes who waits for it, and its process may be let go while nobody has answered."""

from __future__ import annotations

import asyncio

import pytest

from supervisor.approvals.pending import PendingApproval, PendingApprovals
from supervisor.protocol.messages import SessionId
from tests.slowness import scaled


def question(*, may_suspend: bool = True) -> PendingApproval:
    return PendingApproval("a1", SessionId("s1"), lambda: may_suspend)


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


@pytest.mark.parametrize("method", ["hurry", "suspend"])
async def test_what_may_not_be_suspended_keeps_its_process(method: str) -> None:
    assert not getattr(question(may_suspend=False), method)()
    answered = question()
    answered.answer()
    assert not getattr(answered, method)()
    assert not answered.suspended


async def test_once_it_is_suspended_its_call_waits_for_the_end_of_its_process() -> None:
    asked = question()
    assert asked.suspend()
    asked.answer()
    assert asked.suspended
    gone = asyncio.create_task(asked.gone())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not gone.done(), "it waits"
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone


def test_open_questions_are_found_by_id_and_by_session_oldest_first() -> None:
    pending = PendingApprovals()
    first, second, other = (
        PendingApproval(f"a{number}", SessionId(session), lambda: True)
        for number, session in ((1, "s1"), (2, "s1"), (3, "s2"))
    )
    for one in (first, second, other):
        pending.add(one)
    assert pending.all() == [first, second, other]
    assert pending.of_session(SessionId("s1")) == [first, second]
    assert pending.get("a2") is second
    pending.remove("a2")
    pending.remove("a2")
    assert pending.get("a2") is None
    assert pending.of_session(SessionId("s1")) == [first]
