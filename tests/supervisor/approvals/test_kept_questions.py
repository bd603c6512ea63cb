"""A question outlives a restart: its yes lets the work go on, and the same call run, once; nothing else is allowed."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from pathlib import Path

import pytest

from supervisor.protocol.codes import CodeKind
from supervisor.protocol.conversation import Trace, TraceKind
from supervisor.protocol.events import ApprovalResolved
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import MessageId, UserId
from supervisor.protocol.status import TurnState
from supervisor.protocol.times import now_ms
from supervisor.store.ports.approvals import Approval, ApprovalState, NewApproval
from tests.fakes import ScriptedConnector
from tests.supervisor.approvals.questions import (
    answers,
    asking,
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
from tests.supervisor.helpers import BOBS_PHONE, give_phone, project, result, scripted, send, text_message, told_texts
from tests.waiting import until


def core_with(folder: Path) -> Core:
    return Core(folder, connector=ScriptedConnector())


async def text(core: Core, body: str) -> MessageId:
    receipt = await core.intake.accept(text_message(body))
    assert receipt.message_id is not None
    return receipt.message_id


async def interrupted(core: Core, message_id: MessageId) -> bool:
    return (await result(core, message_id)).turn.state is TurnState.INTERRUPTED


async def ask_again(core: Core, body: str = "claude: deny git push") -> Approval:
    """Send a prompt that makes the call; return the question about it, which is not the kept one."""
    message_id = await text(core, body)
    turn_id = (await result(core, message_id)).turn.id

    async def question() -> Approval | None:
        found = await core.store.approvals.open_now(now_ms=now_ms())
        return next((one for one in found if one.turn_id == turn_id), None)

    await until(question, "it is asked about")
    found = await question()
    assert found is not None
    return found


async def test_after_a_kill_a_yes_goes_on_and_runs_the_same_call_once(tmp_path: Path) -> None:
    async with killed(tmp_path) as (core, approval):
        (report,) = [one for one in await told_texts(core) if "was interrupted" in one]
        assert f"YES {approval.code} allows once, and goes on with, what was not run: Bash git push." in report
        assert "Bash git push" not in report.partition("These tools had started:")[2], "it was not run"
        kept = await open_one(core)
        assert kept is not None
        assert (kept.id, kept.kept) == (approval.id, True)
        assert await say(core, f"YES {approval.code}") == "Allowed once, and its work goes on: Bash git push"
        await until(lambda: has_run(core, approval), "it runs without another question")
        ((session_id, prompt),) = scripted(core).prompts
        assert session_id == approval.session_id
        assert "was interrupted when the daemon was restarted" in prompt
        assert "The call Bash git push is allowed now, once: make exactly the same call again." in prompt
        assert (await told_texts(core))[-1] == "allowed: True", "the answer goes where the prompt came from"
        assert await core.store.codes.open_of(UserId("alice"), CodeKind.TURN, now_ms=now_ms()) == []
        assert (await ask_again(core)).id != approval.id, "once: the next one is asked about"


async def test_a_yes_counts_for_that_call_alone(tmp_path: Path) -> None:
    async with killed(tmp_path) as (core, approval):
        scripted(core).repeated = "git push --force"
        await say(core, f"YES {approval.code}")
        await until(lambda: open_one(core), "another call is asked about")
        assert not (await stored(core, approval)).consumed


@pytest.mark.parametrize("word", ["DROP", "RETRY", "CONTINUE"])
async def test_whoever_decides_about_the_turn_ends_its_question(tmp_path: Path, word: str) -> None:
    async with killed(tmp_path) as (core, approval):
        published: list[object] = []
        core.hub.subscribe("approvals", published.append)
        await text(core, word)
        assert (await stored(core, approval)).state is ApprovalState.WITHDRAWN
        assert ApprovalResolved(approval_id=approval.id, decision="deny") in published
        told = await say(core, f"YES {approval.code}")
        assert told == f"{approval.code} counts no more: its turn is over. Nothing was allowed."
        if word == "RETRY":
            await until(lambda: open_one(core), "it is asked about anew")
            assert (await say(core, f"NO {(await open_now(core)).code}")).startswith("Denied: Bash git push")
            await until(lambda: core.turns.running_turns() == [], "the turn ends")
        assert (await ask_again(core)).id != approval.id, "nothing is allowed by what went before"


async def test_a_kept_yes_is_no_pass_for_another_turn(tmp_path: Path) -> None:
    async with killed(tmp_path) as (core, approval):
        scripted(core).repeated = ""  # the work goes on without the call
        await say(core, f"YES {approval.code}")
        await until(lambda: scripted(core).prompts, "the work goes on")
        assert (await stored(core, approval)).state is ApprovalState.ALLOWED
        assert (await ask_again(core)).id != approval.id


async def test_a_text_alone_never_uses_a_yes_that_was_given_to_a_program(tmp_path: Path) -> None:
    """A forged text that makes the same call needs the second factor, although a program's call was allowed."""
    async with Core(tmp_path, connector=ScriptedConnector()) as before:
        before.hub.subscribe("approvals", lambda event: None)
        first = (await result(before, await text(before, "claude: hello"))).turn
        await send(before, "deny git push", first.session_id or "")
        await until(lambda: open_one(before), "it is asked")
        await has_started(before)
        async with Core(tmp_path, connector=ScriptedConnector()) as core:
            approval = await open_now(core)
            operator = core.directory.caller(OPERATOR)
            await core.approval_operations.resolve(operator, approval.id, allow=True, channel="http")
            await until(lambda: scripted(core).prompts, "the work goes on, without the call")
            await until(lambda: _is_over(core), "it ends")
            assert not (await stored(core, approval)).consumed
            again = await ask_again(core)
            assert (again.channel, again.content_sha256) == ("sms", approval.content_sha256)
            let_go(core)
        let_go(before)


async def _is_over(core: Core) -> bool:
    return (await answers(core))[-1].startswith("Your work on the message")


async def test_a_yes_given_before_the_kill_serves_the_turn_that_continues_the_work(tmp_path: Path) -> None:
    async with killed(tmp_path) as (core, approval):
        assert await core.store.approvals.allow(approval.id, "bob", way="socket", now_ms=now_ms())
        message_id = await text(core, "CONTINUE")  # the model does not repeat the call of itself
        turn = (await result(core, message_id)).turn
        digest = (await stored(core, approval)).content_sha256
        redeem = core.store.approvals.redeem
        other = (await result(core, await text(core, "claude: and this"))).turn
        assert not await redeem(other, digest, since_ms=0, now_ms=now_ms()), "another turn has no part in it"
        assert await redeem(turn, digest, since_ms=0, now_ms=now_ms())
        assert not await redeem(turn, digest, since_ms=0, now_ms=now_ms()), "once"


async def test_a_no_and_the_end_of_its_time_allow_nothing(tmp_path: Path) -> None:
    async with core_with(tmp_path) as before:
        _, approval = await asking(before)
        await has_started(before)
        async with core_with(tmp_path) as after:
            assert await say(after, f"NO {approval.code}") == "Denied: Bash git push"
            assert "was denied before" in await say(after, f"YES {approval.code}")
            assert scripted(after).prompts == []
            late = now_ms() + 16 * 60_000
            assert await after.store.approvals.of_turn(approval.turn_id, now_ms=late) == []
        let_go(before)


async def test_a_planned_restart_keeps_it_too(tmp_path: Path) -> None:
    async with core_with(tmp_path) as before:
        message_id, approval = await asking(before)
        before.approvals.stopping = True
        draining = asyncio.create_task(before.turns.drain(0.0))
        await until(lambda: before.completion.time_is_up, "what runs is marked")
        let_go(before)
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


async def test_the_report_says_which_messages_run_first(tmp_path: Path) -> None:
    async with core_with(tmp_path) as before:
        await asking(before, "git push")
        await has_started(before)
        await text(before, "claude: and then this")
        async with core_with(tmp_path) as after:
            (report,) = [one for one in await told_texts(after) if one.startswith("Your message")]
            assert 'Your next message "and then this" runs first.' in report
            let_go(after)
        let_go(before)


async def test_another_user_is_told_that_their_message_runs_before_the_decision(tmp_path: Path) -> None:
    team = project(tmp_path, "team", shared=True)

    def core_of() -> Core:
        return Core(tmp_path, connector=ScriptedConnector(), projects=team)

    async with core_of() as before:
        await give_phone(before)
        await before.intake.accept(text_message("@team deny git push"))
        await until(lambda: open_one(before), "the question is asked")
        await has_started(before)
        await before.intake.accept(text_message("@team and then this", phone=BOBS_PHONE))
        async with core_of() as after:
            told = await told_texts(after)
            (report,) = [one for one in told if one.startswith("Your message")]
            assert 'The next message, "and then this" of bob, runs first.' in report
            (notice,) = [one for one in told if one.startswith("A restart")]
            assert 'Your message "and then this" runs now' in notice
            let_go(after)
        let_go(before)


@pytest.mark.parametrize("command", ["git push", "cat <<EOF > made.txt\nhello\nEOF", f"echo {'x' * 200}"])
@pytest.mark.parametrize("questions", [1, 2])
async def test_what_was_not_run_is_not_among_what_had_started(tmp_path: Path, command: str, questions: int) -> None:
    """Also where a kill came before the calls were recorded, so that only Claude Code's transcript names them."""
    async with core_with(tmp_path) as before:
        message_id, approval = await asking(before, command, word="claude: deny")
        if questions == 2:
            await second_question(before, approval)
        async with Core(tmp_path, connector=ScriptedConnector(), recovering=False) as after:
            calls = {approval.tool_use_id: f"Bash {' '.join(command.split())}"[:80], "u2": "Bash make", "u3": "Bash ls"}
            scripted(after).traces[message_id] = Trace(kind=TraceKind.STARTED, tools=calls)
            await forget_events(after)
            await after.recover()
            (report,) = [one for one in await told_texts(after) if "was interrupted" in one]
            _, _, started = report.partition("These tools had started: ")
            assert started == ("Bash ls." if questions == 2 else "Bash make, Bash ls.")
            let_go(after)
        let_go(before)


async def second_question(core: Core, first: Approval) -> None:
    """Ask about another call of the same turn, "u2"."""
    new = replace_id(first, "u2")
    assert await core.store.approvals.ask(new, lambda code: (), now_ms=now_ms()) is not None


def replace_id(approval: Approval, tool_use_id: str) -> NewApproval:
    values = {field.name: getattr(approval, field.name) for field in fields(NewApproval)}
    return NewApproval(**{**values, "id": uuid7(), "tool_use_id": tool_use_id})


async def forget_events(core: Core) -> None:
    """Delete the events of all turns, as if the kill had come before they were stored."""
    await core.store._database.write(lambda tx: tx.execute("DELETE FROM events"))


async def test_the_report_names_each_of_two_open_questions(tmp_path: Path) -> None:
    async with core_with(tmp_path) as before:
        _, first = await asking(before)
        fresh = {one.name: getattr(first, one.name) for one in fields(NewApproval)}
        fresh |= {"id": str(uuid7()), "tool_use_id": "t2", "summary": "Bash git tag"}
        second = await before.store.approvals.ask(NewApproval(**fresh), lambda _: (), now_ms=now_ms())
        assert second is not None
        await has_started(before)
        async with core_with(tmp_path) as after:
            (report,) = [one for one in await told_texts(after) if "was interrupted" in one]
            for one in (first, second):
                assert f"YES {one.code} allows once, and goes on with, what was not run: {one.summary}." in report
            assert "One of them is enough: what else it needs is asked about again." in report
            assert "its work goes on" in await say(after, f"YES {second.code}")
            assert (await stored(after, first)).state is ApprovalState.WITHDRAWN
            let_go(after)
        let_go(before)
