"""The hook and can_use_tool share one decision; every error denies the call."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from connectors.claude_code.decisions import AWAY, REFUSED_BY_STORE, Decisions
from connectors.claude_code.protocol.frames import ControlRequest
from supervisor.protocol.conversation import ToolCall, Verdict
from supervisor.protocol.errors import StorageError
from supervisor.protocol.text.refusals import for_sender
from tests.connectors.claude_code.support import Policy
from tests.slowness import scaled


def hook(tool_use_id: str = "t1", name: str = "Bash", **fields: Any) -> ControlRequest:
    details = {"tool_use_id": tool_use_id, "tool_name": name, "tool_input": {"command": "ls"}, **fields}
    return ControlRequest(request_id="r1", subtype="hook_callback", body={"input": details})


def can_use(tool_use_id: str = "t1", name: str = "Bash", command: str = "ls") -> ControlRequest:
    body = {"tool_use_id": tool_use_id, "tool_name": name, "input": {"command": command}}
    return ControlRequest(request_id="r2", subtype="can_use_tool", body=body)


async def test_a_call_is_decided_once_for_both_questions() -> None:
    policy = Policy()
    decisions = Decisions(policy)
    assert await decisions.answer(hook()) == {}
    assert await decisions.answer(can_use()) == {"behavior": "allow", "updatedInput": {"command": "ls"}}
    assert policy.asked == [ToolCall(tool_use_id="t1", name="Bash", input={"command": "ls"})]


async def test_the_hook_says_where_the_shell_is() -> None:
    policy = Policy()
    await Decisions(policy).answer(hook(cwd="/srv/site/sub"))
    assert policy.asked[0].folder == "/srv/site/sub"


async def test_a_no_is_a_no_to_both_questions() -> None:
    decisions = Decisions(Policy(frozenset({"Bash"})))
    answer = await decisions.answer(hook())
    assert answer is not None
    assert answer["hookSpecificOutput"]["permissionDecision"] == "deny"
    assert answer["hookSpecificOutput"]["permissionDecisionReason"] == "not in this test"
    assert await decisions.answer(can_use()) == {"behavior": "deny", "message": "not in this test"}


async def test_the_same_id_with_another_input_is_asked_again() -> None:
    policy = Policy()
    decisions = Decisions(policy)
    await decisions.answer(hook())
    await decisions.answer(can_use(command="rm -rf /"))
    assert [call.input["command"] for call in policy.asked] == ["ls", "rm -rf /"]


async def test_a_subagents_call_names_its_agent() -> None:
    policy = Policy()
    await Decisions(policy).answer(hook(agent_id="a1"))
    assert policy.asked[0].agent_id == "a1"


async def test_a_policy_that_fails_denies() -> None:
    async def broken(call: ToolCall) -> Verdict:
        raise OSError("the store is gone")

    answer = await Decisions(broken).answer(can_use())
    assert answer == {"behavior": "deny", "message": "The policy could not be asked."}


async def test_a_call_that_could_not_be_recorded_is_one_to_be_made_again() -> None:
    async def away(call: ToolCall) -> Verdict:
        raise StorageError("PostgreSQL does not answer")

    assert await Decisions(away).answer(can_use()) == {"behavior": "deny", "message": AWAY}


async def test_a_call_is_told_the_cause_where_the_refusal_of_the_database_lasts() -> None:
    async def full(call: ToolCall) -> Verdict:
        raise StorageError("database or disk is full", for_sender("free disk space"), lasts=True)

    told = REFUSED_BY_STORE.format(cause="database or disk is full; free disk space")
    assert await Decisions(full).answer(can_use()) == {"behavior": "deny", "message": told}


@pytest.mark.parametrize("request_", [hook(tool_use_id=""), hook(name=""), can_use(tool_use_id="")])
async def test_a_call_without_a_name_is_denied_unasked(request_: ControlRequest) -> None:
    policy = Policy()
    answer = await Decisions(policy).answer(request_)
    assert answer is not None
    assert "deny" in str(answer)
    assert policy.asked == []


async def test_a_question_about_something_else_has_no_answer() -> None:
    request = ControlRequest(request_id="r", subtype="mcp_message", body={})
    assert await Decisions(Policy()).answer(request) is None


async def test_the_next_turn_asks_anew() -> None:
    policy = Policy()
    decisions = Decisions(policy)
    await decisions.answer(hook())
    decisions.forget()
    await decisions.answer(hook())
    assert len(policy.asked) == 2


async def test_a_decision_that_nobody_waits_for_any_more_is_cancelled() -> None:
    cancelled, asked = asyncio.Event(), asyncio.Event()

    async def slow(call: ToolCall) -> Verdict:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError("it waits for ever")

    decisions = Decisions(slow)
    answering = asyncio.create_task(decisions.answer(hook()), name="answer")
    await asked.wait()
    assert decisions.waiting
    answering.cancel()
    await asyncio.wait([answering])
    await asyncio.wait_for(cancelled.wait(), scaled(10))
    await decisions.close()
    assert not decisions.waiting
