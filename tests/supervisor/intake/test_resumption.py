"""A yes to a question that a restart cut off lets its work go on, whichever way the yes came."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.protocol.errors import ApprovalClosed
from supervisor.protocol.times import now_ms
from supervisor.store.ports.approvals import ApprovalState
from tests.fakes import ScriptedConnector
from tests.supervisor.approvals.questions import (
    MAIL,
    has_run,
    has_started,
    killed,
    let_go,
    open_now,
    open_one,
    say,
    stored,
)
from tests.supervisor.harness import OPERATOR, Core
from tests.supervisor.helpers import connect, scripted, send, told_texts
from tests.waiting import until


@pytest.mark.parametrize("channel", ["http", "mail"])
async def test_a_yes_by_any_way_lets_the_work_go_on_by_the_way_it_was_asked_for(tmp_path: Path, channel: str) -> None:
    async with killed(tmp_path) as (core, approval):
        if channel == "mail":
            await say(core, f"YES {approval.code}", sender=MAIL)
        else:
            operator = core.directory.caller(OPERATOR)
            await core.approval_operations.resolve(operator, approval.code, allow=True, channel=channel)
        await until(lambda: has_run(core, approval), "the work goes on")
        assert (await told_texts(core))[-1] == "allowed: True", "by text, as it was asked for"


async def test_a_yes_to_a_question_of_a_program_lets_its_work_go_on(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as before:
        await connect(before)
        before.hub.subscribe("approvals", lambda event: None)
        await send(before, "deny git push")
        await until(lambda: open_one(before), "it is asked")
        await has_started(before)
        async with Core(tmp_path, connector=ScriptedConnector()) as core:
            scripted(core).repeated = "git push"
            approval = await open_now(core)
            operator = core.directory.caller(OPERATOR)
            await core.approval_operations.resolve(operator, approval.id, allow=True, channel="socket")
            await until(lambda: has_run(core, approval), "the work goes on")
        let_go(before)


async def test_a_yes_whose_work_could_not_go_on_is_given_again(tmp_path: Path) -> None:
    async with killed(tmp_path) as (core, approval):
        # As after a crash between the commit of the yes and that of the prompt.
        assert await core.store.approvals.allow(approval.id, "alice", way="sms", now_ms=now_ms())
        assert "its work goes on" in await say(core, f"YES {approval.code}")
        await until(lambda: has_run(core, approval), "it runs")
        assert await say(core, f"YES {approval.code}") == f"{approval.code} was allowed before and has been used."
        assert len(scripted(core).prompts) == 1


async def test_a_yes_is_refused_where_the_work_cannot_go_on(tmp_path: Path) -> None:
    async with killed(tmp_path) as (core, approval):
        await core.operations.sessions.disconnect(core.directory.caller(OPERATOR), approval.session_id)
        told = await say(core, f"YES {approval.code}")
        assert told == f"{approval.code} counts no more: its session is closed. Nothing was allowed."
        assert (await stored(core, approval)).state is ApprovalState.OPEN


async def test_a_yes_is_refused_where_its_user_is_gone(tmp_path: Path) -> None:
    async with killed(tmp_path) as (core, approval):
        await core.accounts.remove_user("alice")
        with pytest.raises(ApprovalClosed, match="its user was removed"):
            await core.approval_operations.resolve(
                core.directory.caller(OPERATOR), approval.code, allow=True, channel="http"
            )
