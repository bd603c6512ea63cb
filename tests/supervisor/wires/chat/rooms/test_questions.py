"""Questions about tool calls in a chat."""

from __future__ import annotations

from typing import Literal

import pytest

from supervisor.protocol import events
from supervisor.protocol.errors import ApprovalClosed, NotAllowed
from supervisor.wires.chat.frames import Confirm, ConfirmRequest, ConfirmResolved, ServerFrame
from supervisor.wires.chat.rooms.questions import GONE, Questions
from tests.supervisor.wires.chat.rooms.scripted import CALLER, SESSION, ScriptedApprovals, services


class Asked:
    """The questions of one chat, and what was told of them."""

    def __init__(self) -> None:
        used = services()
        assert isinstance(used.approvals, ScriptedApprovals)
        self.approvals = used.approvals
        self.told: list[ServerFrame] = []
        self.questions = Questions(SESSION, used, self.told.append)


@pytest.fixture
def asked() -> Asked:
    return Asked()


def question(name: str = "a1") -> events.ConfirmationAsked:
    return events.ConfirmationAsked(
        session_id=SESSION,
        approval_id=name,
        code="KXQPT",
        tool_use_id="t1",
        tool="residency__execute_swap",
        input={"swap": 3},
        summary="swap 3",
        expires_at="2026-11-30T07:00:00.000Z",
    )


def answered(
    name: str = "a1", by: str = "alice", decision: Literal["allow", "deny"] = "allow"
) -> events.ConfirmationAnswered:
    return events.ConfirmationAnswered(session_id=SESSION, approval_id=name, decision=decision, by=by)


def test_a_question_is_shown_once_with_its_exact_input(asked: Asked) -> None:
    asked.questions.on_asked(question())
    asked.questions.on_asked(question())
    shown = ConfirmRequest(
        id="a1",
        tool="residency__execute_swap",
        input={"swap": 3},
        summary="swap 3",
        expires_at="2026-11-30T07:00:00.000Z",
    )
    assert asked.told == asked.questions.open() == [shown]


def test_an_answer_takes_it_away_everywhere(asked: Asked) -> None:
    asked.questions.on_asked(question())
    asked.questions.on_answered(answered())
    asked.questions.on_answered(answered())
    asked.questions.on_answered(answered("another"))
    assert asked.told[1:] == [ConfirmResolved(id="a1", decision="allow", by="alice")]
    assert asked.questions.open() == []


def test_a_no_that_overrules_a_yes_is_told_once(asked: Asked) -> None:
    asked.questions.on_asked(question())
    asked.questions.on_answered(answered())
    for _ in range(2):
        asked.questions.on_answered(answered(by="carl", decision="deny"))
    asked.questions.on_answered(answered())
    assert asked.told[1:] == [
        ConfirmResolved(id="a1", decision="allow", by="alice"),
        ConfirmResolved(id="a1", decision="deny", by="carl"),
    ]


async def test_the_first_answer_counts_and_the_second_is_told_so(asked: Asked) -> None:
    asked.questions.on_asked(question())
    asked.approvals.waiting = []
    frame = Confirm(id="a1", decision="deny", note="not today")
    await asked.questions.answer(CALLER, frame)
    assert asked.approvals.answers == [("a1", False, "not today")]
    asked.questions.on_answered(answered())
    assert await asked.questions.answer(CALLER, frame) == GONE
    assert len(asked.approvals.answers) == 1


async def test_a_yes_may_count_for_some_minutes(asked: Asked) -> None:
    asked.questions.on_asked(question())
    await asked.questions.answer(CALLER, Confirm(id="a1", decision="allow", minutes=30))
    assert asked.approvals.minutes == 30


async def test_an_answer_that_is_not_taken_is_a_notice_and_no_error(asked: Asked) -> None:
    asked.questions.on_asked(question())
    asked.approvals.error = ApprovalClosed("too late")
    assert await asked.questions.answer(CALLER, Confirm(id="a1", decision="allow")) == GONE
    asked.approvals.error = NotAllowed("this way", "Use another")
    told = await asked.questions.answer(CALLER, Confirm(id="a1", decision="allow"))
    assert told == "Not allowed: this way. Use another"
