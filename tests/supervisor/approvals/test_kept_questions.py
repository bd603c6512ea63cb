"""A question outlives a restart: its yes lets the work go on, and the same call run, once; nothing else is allowed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from supervisor.protocol.messages import Address, MessageId
from supervisor.protocol.status import TurnState
from supervisor.protocol.times import now_ms
from supervisor.store.ports.approvals import Approval, ApprovalState
from tests.fakes import ScriptedConnector
from tests.supervisor.approvals.questions import asking, open_one, say
from tests.supervisor.harness import ALICE_PHONE, Core
from tests.supervisor.helpers import result, scripted, text_message, told_texts
from tests.waiting import until

PHONE = Address(kind="sms", value=ALICE_PHONE)


def core_with(folder: Path) -> Core:
    return Core(folder, connector=ScriptedConnector())


async def text(core: Core, body: str) -> MessageId:
    receipt = await core.intake.accept(text_message(body))
    assert receipt.message_id is not None
    return receipt.message_id


async def interrupted(core: Core, message_id: MessageId) -> bool:
    return (await result(core, message_id)).turn.state is TurnState.INTERRUPTED


async def stored(core: Core, approval: Approval) -> Approval:
    found = await core.store.approvals.find(approval.id)
    assert found is not None
    return found


async def test_after_a_kill_a_yes_goes_on_and_runs_the_same_call_once(tmp_path: Path) -> None:
    async with core_with(tmp_path) as before:
        message_id, approval = await asking(before, "git push")
        await before.store.turns.record_event(
            (await result(before, message_id)).turn.id,
            "tool_started",
            {"id": "t", "summary": "Bash git push"},
            now_ms=1,
        )
        async with core_with(tmp_path) as after:  # as after a kill: nothing was closed
            assert await interrupted(after, message_id)
            (report,) = [one for one in await told_texts(after) if "was interrupted" in one]
            assert (
                f"YES {approval.code} allows once, and goes on with, what was not run: Bash git push. These" in report
            )
            kept = await open_one(after)
            assert kept is not None
            assert (kept.id, kept.kept) == (approval.id, True)
            resumed = await text(after, f"YES {approval.code}")
            await until(lambda: scripted(after).prompts, "the work goes on")
            assert "was interrupted when the daemon was restarted" in scripted(after).prompts[-1][1]
            assert (await result(after, resumed)).turn.session_id == (await result(after, message_id)).turn.session_id
            assert (await stored(after, approval)).state is ApprovalState.ALLOWED
            again = await text(after, "claude: deny git push")  # the model makes the same call again

            async def ran() -> bool:
                return (await result(after, again)).answer == "allowed: True"

            await until(ran, "it runs without another question")
            assert (await stored(after, approval)).consumed
            third = await text(after, "claude: deny git push")
            await until(lambda: open_one(after), "once: the next one is asked about")
            assert (await result(after, third)).turn.state is TurnState.RUNNING
            _let_go(after)
        _let_go(before)


async def test_a_yes_counts_for_that_call_alone(tmp_path: Path) -> None:
    async with core_with(tmp_path) as before:
        _, approval = await asking(before, "git push")
        await _has_started(before)
        async with core_with(tmp_path) as after:
            await text(after, f"YES {approval.code}")
            await until(lambda: scripted(after).prompts, "the work goes on")
            await text(after, "claude: deny git push --force")
            await until(lambda: open_one(after), "another call is asked about")
            assert not (await stored(after, approval)).consumed
            _let_go(after)
        _let_go(before)


async def test_a_no_and_the_end_of_its_time_allow_nothing(tmp_path: Path) -> None:
    async with core_with(tmp_path) as before:
        _, approval = await asking(before)
        await _has_started(before)
        async with core_with(tmp_path) as after:
            assert await say(after, f"NO {approval.code}") == "Denied: Bash git push"
            assert "was denied before" in await say(after, f"YES {approval.code}")
            assert scripted(after).prompts == []
            late = now_ms() + 16 * 60_000
            assert await after.store.approvals.of_turn(approval.turn_id, now_ms=late) is None
        _let_go(before)


async def test_a_planned_restart_keeps_it_too(tmp_path: Path) -> None:
    async with core_with(tmp_path) as before:
        message_id, approval = await asking(before)
        before.approvals.stopping = True
        draining = asyncio.create_task(before.turns.drain(0.0))
        await until(lambda: before.completion.time_is_up, "what runs is marked")
        _let_go(before)
        await draining
        assert await interrupted(before, message_id)
        assert (await stored(before, approval)).state is ApprovalState.OPEN
    async with core_with(tmp_path) as after:
        kept = await open_one(after)
        assert kept is not None
        assert kept.kept
        await text(after, f"YES {approval.code}")
        await until(lambda: scripted(after).prompts, "the work goes on")


async def test_a_yes_while_the_daemon_stops_still_runs_the_call(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        message_id, approval = await asking(core)
        draining = asyncio.create_task(core.drain(30.0))
        await until(lambda: core.turns.stopping, "nothing new is started")
        assert await say(core, f"YES {approval.code}") == "Allowed once: Bash git push"
        await draining
        assert (await result(core, message_id)).answer == "allowed: True"


async def test_a_no_while_the_daemon_stops_is_a_no(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        message_id, approval = await asking(core)
        draining = asyncio.create_task(core.drain(30.0))
        await until(lambda: core.turns.stopping, "nothing new is started")
        await say(core, f"NO {approval.code}")
        await draining
        assert "Bash git push was not run: the person said no" in (await result(core, message_id)).answer


def _let_go(core: Core) -> None:
    """End the waits of a scripted conversation, which hold up its prompt, as the end of a real one's process does."""
    core.approvals.stopping = True
    for question in core.approvals.pending.all():
        question.answer()


async def _has_started(core: Core) -> None:
    (running,) = core.turns.running_turns()
    await core.store.turns.record_event(running.turn.id, "tool_started", {"id": "t", "summary": "Bash"}, now_ms=1)
