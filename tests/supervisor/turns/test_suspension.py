"""A turn whose question waits long is suspended: its process is closed, and the answer resumes it in another one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from supervisor.protocol.conversation import ToolCall, ToolStarted
from supervisor.protocol.events import AnyEvent, ApprovalResolved, ClaudeCodeDisconnected
from supervisor.protocol.messages import Address, MessageId, SessionId
from supervisor.protocol.status import EndReason, SessionStatus, TurnState
from supervisor.store.ports.approvals import Approval, ApprovalState
from tests.fakes import ScriptedConnector
from tests.supervisor.approvals.questions import answer_of, asking, expire, open_one, say, stored
from tests.supervisor.harness import ALICE_PHONE, Core
from tests.supervisor.helpers import ask, connect, project, result, scripted, text_message
from tests.supervisor.turns.hours import let_hours_pass, looked_at_the_time
from tests.waiting import until

PHONE = Address(kind="sms", value=ALICE_PHONE)


async def suspended(core: Core, *, hold_seconds: float = 0.0) -> tuple[MessageId, Approval]:
    """Ask a question for which its turn is suspended; return the message and the question."""
    core.approvals._hold_seconds = hold_seconds
    message_id, approval = await asking(core)
    await until(lambda: core.sessions.process_count() == 0, "its process is closed")
    return message_id, approval


def said(core: Core) -> str:
    """Return the last prompt."""
    return scripted(core).prompts[-1][1]


async def resumes(core: Core) -> None:
    """Wait for the prompt with which the turn resumes."""
    await until(lambda: len(scripted(core).prompts) == 2, "the turn resumes")


async def test_a_yes_resumes_the_turn_in_another_process_and_the_same_call_runs_once(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        core.approvals._hold_seconds = 0.0
        heard: list[AnyEvent] = []
        core.hub.subscribe("user:alice", heard.append)
        message_id, approval = await asking(core, word="repeat")
        await until(lambda: core.sessions.process_count() == 0, "its process is closed")
        assert (await result(core, message_id)).turn.state is TurnState.RUNNING
        assert (await stored(core, approval)).state is ApprovalState.OPEN
        assert not [event for event in heard if isinstance(event, ClaudeCodeDisconnected)], "its session goes on"
        status = await core.intake.accept(text_message("STATUS"))
        assert status.message_id is not None
        assert "site: waits for your answer" in await answer_of(core, status.message_id)
        assert await say(core, f"YES {approval.code}") == "Allowed once: Bash git push"
        await resumes(core)
        assert "the call Bash git push, and were stopped meanwhile." in said(core)
        assert "nothing that it had started still runs. It is allowed now, once" in said(core)
        assert await answer_of(core, message_id) == "allowed: True", "the call is made again"
        assert scripted(core).opened[-1].spec.resume, "the same conversation"
        assert (await stored(core, approval)).consumed
        assert await open_one(core) is None


async def test_a_yes_that_its_turn_did_not_use_allows_nothing_in_the_next(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await suspended(core)
        await say(core, f"YES {approval.code}")
        await answer_of(core, message_id)
        core.approvals._hold_seconds = 60.0
        second = await core.intake.accept(text_message("deny git push"))
        await until(lambda: open_one(core), "it is asked about anew")
        assert not (await stored(core, approval)).consumed
        assert second.message_id is not None
        asked = await open_one(core)
        assert asked is not None
        await say(core, f"NO {asked.code}")
        await answer_of(core, second.message_id)


async def test_a_yes_is_outdated_by_a_change_before_its_call(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        core.approvals._hold_seconds = 0.0
        message_id, approval = await asking(core, word="repeat", command="git run x.py")
        await until(lambda: core.sessions.process_count() == 0, "its process is closed")
        edited = {"file_path": str(core.site / "x.py"), "content": "something else"}
        scripted(core).meanwhile = ToolCall(tool_use_id="sly", name="Write", input=edited)
        core.approvals._hold_seconds = 60.0
        await say(core, f"YES {approval.code}")
        await until(lambda: open_one(core), "the same command is another one now: it is asked about")
        assert (await stored(core, approval)).state is ApprovalState.WITHDRAWN
        trail = await core.store.audit.entries(after=0, limit=999)
        of_it = [entry.event for entry in trail if entry.detail.get("id") == approval.id]
        assert of_it == ["approval.asked", "approval.allowed", "approval.outdated"]
        assert await core.store.audit.verify() is None
        asked = await open_one(core)
        assert asked is not None
        await say(core, f"NO {asked.code}")
        assert "git run x.py was not run: the person said no" in await answer_of(core, message_id)


async def test_a_call_that_only_reads_outdates_no_yes(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        core.approvals._hold_seconds = 0.0
        message_id, approval = await asking(core, word="repeat")
        await until(lambda: core.sessions.process_count() == 0, "its process is closed")
        read = {"file_path": str(core.site / "x.py")}
        scripted(core).meanwhile = ToolCall(tool_use_id="look", name="Read", input=read)
        await say(core, f"YES {approval.code}")
        assert await answer_of(core, message_id) == "allowed: True"


async def test_a_yes_whose_process_does_not_start_allows_nothing_later(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await suspended(core)
        scripted(core).refusals.append("no place")
        await say(core, f"YES {approval.code}")
        await until(lambda: ended(core, message_id), "its turn fails")
        assert (await result(core, message_id)).turn.state is TurnState.FAILED
        await withdrawn(core, approval)


async def test_the_answer_of_a_resumed_turn_lists_the_refused_calls(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await suspended(core)
        await say(core, f"NO {approval.code}")
        await until(lambda: ended(core, message_id), "it goes on without")
        assert "Not done:\n- Bash git push was not run: the person said no." in await answer_of(core, message_id)


async def test_a_turn_may_be_suspended_again_in_its_next_process(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await core.intake.accept(text_message("claude: hold"))
        await until(core.turns.running_turns, "a turn runs")
        (running,) = core.turns.running_turns()
        running.on_event(ToolStarted(tool_use_id="t1", name="Bash", input={}))
        second = ToolCall(tool_use_id="t2", name="Bash", input={})
        assert not running.may_suspend(second), "another call is open"
        running.process_closed()
        assert running.may_suspend(second)


async def test_a_turn_that_ends_while_it_is_being_suspended_has_ended(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        core.approvals._hold_seconds = 60.0
        message_id, approval = await asking(core)
        (running,) = core.turns.running_turns()
        running.stopping = True
        assert not core.approvals.give_way(), "a turn that is to end is not suspended"
        running.stopping = False
        (question,) = core.approvals.pending.all()
        running.ask_to_suspend(question)
        running.fail("it ended", interrupted=True)  # in the same moment
        await until(lambda: ended(core, message_id), "nobody waits for its answer")
        await withdrawn(core, approval)


async def withdrawn(core: Core, approval: Approval) -> None:
    """Wait until a question is withdrawn; its turn ends a moment earlier."""

    async def is_withdrawn() -> bool:
        return (await stored(core, approval)).state is ApprovalState.WITHDRAWN

    await until(is_withdrawn, "its question is withdrawn")


async def ended(core: Core, message_id: MessageId) -> bool:
    return (await result(core, message_id)).turn.state not in (TurnState.PENDING, TurnState.RUNNING)


async def test_a_no_resumes_the_turn_without_the_call(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await suspended(core)
        await say(core, f"NO {approval.code}")
        await resumes(core)
        assert "Bash git push was not run: the person said no. Go on without it" in said(core)
        await answer_of(core, message_id)


async def test_the_resumed_turn_is_told_why_its_call_was_denied(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await suspended(core)
        await core.approval_resolver.resolve(
            approval, allow=False, by="bob", channel="socket", note="use {pull} instead."
        )
        await resumes(core)
        assert "Bash git push was not run: denied by bob: use {pull} instead. Go on without it" in said(core)
        assert "- Bash git push was not run: denied by bob: use {pull} instead." in await answer_of(core, message_id)


async def test_without_an_answer_the_turn_resumes_without_the_call(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await suspended(core)
        expire(core)
        await resumes(core)
        assert "Bash git push was not run: nobody answered in time" in said(core)
        await answer_of(core, message_id)
        assert (await stored(core, approval)).state is ApprovalState.EXPIRED


async def test_a_message_waits_while_the_turn_is_suspended(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await suspended(core)
        second = await core.intake.accept(text_message("claude: steer: and another thing"))
        assert second.message_id is not None
        assert (await result(core, second.message_id)).turn.state is TurnState.PENDING
        await say(core, f"YES {approval.code}")
        await answer_of(core, message_id)
        assert await answer_of(core, second.message_id) == "and another thing"


async def test_the_process_of_the_oldest_question_goes_to_a_session_that_needs_one(tmp_path: Path) -> None:
    projects = project(tmp_path, "wide", users=("bob",))
    async with Core(tmp_path, connector=ScriptedConnector(), projects=projects) as core:
        core.sessions.max_processes = 1
        message_id, approval = await asking(core)
        await connect(core, "s2", path=tmp_path / "wide", user="bob")  # which would wait for minutes
        assert (await ask(core, "hello", "s2")).answer == "hello"
        await say(core, f"YES {approval.code}")
        await answer_of(core, message_id)


@pytest.mark.parametrize("outage_seconds", [0, 7_200])
async def test_a_suspension_does_not_extend_the_timeout_of_a_turn(tmp_path: Path, outage_seconds: int) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        core.approvals._hold_seconds = 0.0
        message_id, approval = await asking(core, word="repeat")
        await until(lambda: core.sessions.process_count() == 0, "its process is closed")
        (running,) = core.turns.running_turns()
        running.clock._worked += 7_200  # two hours of work lie behind it
        core.sessions._processes._stood += outage_seconds  # the processes of the others were stopped meanwhile
        await say(core, f"YES {approval.code}")
        await until(lambda: ended(core, message_id), "its time was over before it was suspended")
        found = await result(core, message_id)
        assert (found.turn.state, found.why) == (TurnState.FAILED, "no answer within 1800 seconds")


async def test_waiting_for_a_person_uses_no_time_of_the_turn(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await asking(core)
        (running,) = core.turns.running_turns()
        await until(lambda: running.clock.is_asking, "its time stands")
        let_hours_pass(running)
        await looked_at_the_time(running)
        assert await say(core, f"YES {approval.code}") == "Allowed once: Bash git push"
        assert await answer_of(core, message_id) == "allowed: True"


async def test_a_question_holds_no_process_while_others_wait_for_one(tmp_path: Path) -> None:
    projects = project(tmp_path, "wide", users=("bob",))
    async with Core(tmp_path, connector=ScriptedConnector(), projects=projects) as core:
        core.sessions.max_processes = 1
        first = await core.intake.accept(text_message("claude: hold on"))
        await until(scripted(core).held, "it runs")
        connecting = asyncio.create_task(connect(core, "s2", path=tmp_path / "wide", user="bob"), name="s2")
        await until(lambda: core.sessions._queue.contended, "another one waits for a process")
        second = await core.intake.accept(text_message("interrupt: deny git push"))
        await until(lambda: open_one(core), "it asks")
        approval = await open_one(core)
        assert approval is not None
        await connecting
        await say(core, f"YES {approval.code}")
        assert first.message_id is not None
        assert second.message_id is not None
        assert "Go on" not in await answer_of(core, second.message_id)


async def test_an_interrupt_ends_a_suspended_turn_and_its_question(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        heard: list[AnyEvent] = []
        core.hub.subscribe("approvals", heard.append)
        message_id, approval = await suspended(core)
        session_id = (await result(core, message_id)).turn.session_id
        assert await core.turns.interrupt(str(session_id)) is not None
        await until(lambda: ended(core, message_id), "it ends")
        assert (await result(core, message_id)).turn.state is TurnState.CANCELLED
        await withdrawn(core, approval)
        assert ApprovalResolved(approval_id=approval.id, decision="deny") in heard, "whoever shows it takes it away"
        assert "counts no more: its turn is over" in await say(core, f"YES {approval.code}")
        assert len(scripted(core).prompts) == 1


async def test_closing_the_session_ends_a_suspended_turn(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await suspended(core)
        session_id = (await result(core, message_id)).turn.session_id
        assert session_id is not None
        assert await core.sessions.close(session_id, EndReason.USER)
        await until(lambda: ended(core, message_id), "it ends")
        assert (await result(core, message_id)).turn.state is TurnState.FAILED
        await withdrawn(core, approval)
        session = await core.store.sessions.get(session_id)
        assert session is not None
        assert (session.status, session.end_reason) == (SessionStatus.DISCONNECTED, EndReason.USER.value)


@pytest.mark.parametrize("killed", [True, False])
async def test_a_restart_keeps_the_question_of_a_suspended_turn(tmp_path: Path, killed: bool) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as before:
        message_id, approval = await suspended(before)
        if killed:
            async with Core(tmp_path, connector=ScriptedConnector()) as after:
                await _is_kept(after, message_id, approval)
            before.approvals.stopping = True
            return
        await before.drain(0.0)
    async with Core(tmp_path, connector=ScriptedConnector()) as after:
        await _is_kept(after, message_id, approval)


async def _is_kept(core: Core, message_id: MessageId, approval: Approval) -> None:
    assert (await result(core, message_id)).turn.state is TurnState.INTERRUPTED
    kept = await open_one(core)
    assert kept is not None
    assert (kept.id, kept.kept) == (approval.id, True)
    await core.intake.accept(text_message(f"YES {approval.code}"))
    await until(lambda: scripted(core).prompts, "the work goes on")


async def test_a_turn_with_another_open_call_is_not_suspended(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await asking(core)
        session_id = (await result(core, message_id)).turn.session_id
        (conversation,) = scripted(core).opened
        conversation.put(ToolStarted(tool_use_id="another", name="Bash", input={"command": "make"}))
        running = core.turns.running(SessionId(str(session_id)))
        assert running is not None
        await until(lambda: running.tools == 2, "both are seen")
        assert not core.approvals.give_way()
        assert core.sessions.process_count() == 1
        await say(core, f"YES {approval.code}")
        assert await answer_of(core, message_id) == "allowed: True"
