"""Turns run one at a time in each session and project, in order; each ends once, and waiting callers are told."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.protocol.errors import ConnectionFailed, ProjectNotAllowed, StorageError, TurnFailed
from supervisor.protocol.events import AnyEvent, ClaudeCodeDelta, ClaudeCodeTool
from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.status import EndReason, TurnState
from supervisor.sessions.live import CUT_OFF
from supervisor.store.records.turn import Turn
from tests.fakes import ScriptedConnector
from tests.slowness import scaled
from tests.supervisor.harness import Core
from tests.supervisor.helpers import (
    PLENTY,
    Gate,
    ask,
    asked,
    connect,
    full_disk,
    project,
    result,
    scripted,
    send,
    session,
    state,
    text_message,
)
from tests.waiting import until


async def test_fifty_senders_get_their_own_answers_one_turn_at_a_time_in_accepted_order(tmp_path: Path) -> None:
    projects = project(tmp_path, "free", concurrent=True)
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector, claude_code=PLENTY, projects=projects) as core:
        names = [f"s{number}" for number in range(5)]
        for name in names:
            await connect(core, name, path=tmp_path / "free")
        order: dict[str, list[str]] = {name: [] for name in names}
        pick = random.Random(7)

        async def sender(number: int) -> None:
            for turn in range(4):
                name, text = pick.choice(names), f"sender {number} turn {turn}"
                taken = await core.operations.messages.send(asked(core), SessionId(name), text, None)
                answered = await core.operations.messages.answer(taken)
                assert answered.answer == text
                order[name].append(taken.accepted.message_id)

        async with asyncio.TaskGroup() as group:
            for number in range(50):
                group.create_task(sender(number))
        assert connector.overlaps == []
        assert len(connector.prompts) == 200
        for name in names:
            stored = await core.store.turns.history(SessionId(name), limit=500, before=None)
            accepted = [message.message for message in stored if message.direction == "to_claude"]
            assert connector.texts(name) == accepted
        assert await core.store.ledger.disagreements() == []


async def test_messages_of_a_session_run_in_the_order_they_were_accepted(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector) as core:
        await connect(core)
        taken = [await send(core, "hold")]
        taken += [await send(core, f"number {number}") for number in range(20)]
        await until(connector.held, "the first is held")
        connector.release()
        await until(lambda: _all_final(core, len(taken)), "all have ended")
        assert connector.texts("s1") == ["hold", *(f"number {number}" for number in range(20))]


async def _all_final(core: Core, count: int) -> bool:
    history = await core.store.turns.history(SessionId("s1"), limit=500, before=None)
    return len([m for m in history if m.direction == "from_claude"]) == count


async def test_sessions_of_an_exclusive_project_take_turns(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector, claude_code=PLENTY) as core:
        names = [f"s{number}" for number in range(8)]
        for name in names:
            await connect(core, name)
        await asyncio.gather(*(ask(core, f"{name} {turn}", name) for name in names for turn in range(5)))
        assert connector.most_of_project == {"site": 1}
        assert len(connector.prompts) == 40


async def test_sessions_of_a_concurrent_project_run_side_by_side(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    projects = project(tmp_path, "free", concurrent=True)
    async with Core(tmp_path, connector=connector, claude_code=PLENTY, projects=projects) as core:
        for number in range(4):
            await connect(core, f"s{number}", path=tmp_path / "free")
            await send(core, "hold", f"s{number}")
        await until(lambda: len(connector.held()) == 4, "all four run")
        assert connector.most_of_project == {"free": 4}
        connector.release()


async def test_other_projects_do_not_wait_for_a_busy_one(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector, projects=project(tmp_path, "other")) as core:
        await connect(core, "s1")
        await connect(core, "s2", path=tmp_path / "other")
        await send(core, "hold", "s1")
        await until(connector.held, "the first is held")
        assert (await ask(core, "hello", "s2")).answer == "hello"
        connector.release()


async def test_all_that_waits_for_a_project_runs_when_it_is_free_without_a_sweep(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector) as core:
        await connect(core, "s1")
        await connect(core, "s2")
        await send(core, "hold", "s1")
        await until(connector.held, "the first is held")
        waiting = [asyncio.create_task(ask(core, f"number {number}", "s2")) for number in range(4)]
        await until(lambda: _pending(core, 4), "four wait")
        connector.release()
        answers = [answered.answer for answered in await asyncio.wait_for(asyncio.gather(*waiting), scaled(8))]
        assert answers == [f"number {number}" for number in range(4)]


async def _pending(core: Core, count: int) -> bool:
    return await core.store.turns.pending_count() == count


async def test_a_turn_that_finds_its_project_taken_by_one_that_only_starts_is_not_forgotten(tmp_path: Path) -> None:
    gate = Gate("accept.after_commit")
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector, crash=gate) as core:
        await connect(core, "s1")
        await connect(core, "s2")
        one = asyncio.create_task(ask(core, "one", "s1"))
        await until(gate.reached.is_set, "the first is started in the store, and nobody here knows")
        two = asyncio.create_task(ask(core, "two", "s2"))
        gate.open()
        answers = await asyncio.wait_for(asyncio.gather(one, two), scaled(8))
        assert [answered.answer for answered in answers] == ["one", "two"]


async def test_a_sweep_finds_turns_whose_kick_was_lost(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector) as core:
        await connect(core)
        await core.sessions.close_idle([SessionId("s1")], EndReason.IDLE)
        taken = [
            await core.operations.messages.send(asked(core), SessionId("s1"), f"number {number}", None)
            for number in range(3)
        ]
        assert connector.prompts == []  # accepted, and nobody has told the lane
        await core.turns.sweep()
        await until(lambda: _all_final(core, 3), "all have run")
        assert [await state(core, one) for one in taken] == [TurnState.COMPLETED] * 3


async def test_a_sender_that_leaves_while_it_is_accepted_leaves_no_turn_hanging(tmp_path: Path) -> None:
    gate = Gate("accept.before_commit")
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector, crash=gate) as core:
        await connect(core)
        leaving = asyncio.create_task(core.operations.messages.send(asked(core), SessionId("s1"), "one", None))
        await until(gate.reached.is_set, "it is being accepted")
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        gate.open()
        assert (await asyncio.wait_for(ask(core, "two"), scaled(8))).answer == "two"
        assert connector.texts("s1") == ["one", "two"]


async def test_a_sender_that_leaves_at_the_moment_it_is_accepted_leaves_no_turn_hanging(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector) as core:
        await connect(core)

        async def neighbour() -> None:
            await core.store.audit.record("alice", "test", {}, now_ms=1)  # its commit is the sender's
            leaving.cancel()

        beside = asyncio.create_task(neighbour())
        leaving = asyncio.create_task(core.operations.messages.send(asked(core), SessionId("s1"), "one", None))
        await asyncio.gather(beside, leaving, return_exceptions=True)
        assert leaving.cancelled()
        assert (await asyncio.wait_for(ask(core, "two"), scaled(8))).answer == "two"
        assert connector.texts("s1") == ["one", "two"]


async def test_a_failed_turn_is_an_error_and_the_session_goes_on(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        with pytest.raises(TurnFailed, match=r"^Claude Code failed: the disk is full$"):
            await ask(core, "fail the disk is full")
        assert (await ask(core, "hello")).answer == "hello"
        assert len(scripted(core).opened) == 1


async def test_interrupting_with_nothing_running_is_harmless(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        interrupted = await core.operations.sessions.interrupt(asked(core).caller, SessionId("s1"))
        assert (interrupted.message_id, interrupted.partial) == (None, False)


async def test_an_assistant_that_breaks_its_contract_is_an_error_to_whoever_waits(tmp_path: Path) -> None:
    assistant = ScriptedConnector()
    async with Core(tmp_path, connector=ScriptedConnector(), assistant=assistant) as core:
        alice = core.directory.user("alice")
        for broken in ("open", "prompt", "events"):
            assistant.breaking = int(broken == "open")
            text = "break" if broken == "prompt" else "hold" if broken == "events" else "hello"
            taken = await core.operations.messages.route(asked(core), alice, text)
            answer = asyncio.create_task(core.operations.messages.answer(taken))
            if broken == "events":
                await until(assistant.held, "it is held")
                assistant.opened[-1].raise_in_events(RuntimeError("a plug-in that is broken"))
            with pytest.raises((TurnFailed, ConnectionFailed)):
                await asyncio.wait_for(answer, scaled(8))
            assert await state(core, taken) is TurnState.FAILED
        assert (
            await core.operations.messages.answer(await core.operations.messages.route(asked(core), alice, "hello"))
        ).answer == "hello"


async def test_what_a_turn_says_is_shown_live_to_whoever_listens(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        heard: list[AnyEvent] = []
        core.hub.subscribe("session:s1", heard.append)
        await connect(core)
        await ask(core, "hello")
        answered = await ask(core, "deny rm -rf /")
        deltas = [event for event in heard if isinstance(event, ClaudeCodeDelta)]
        assert [delta.text for delta in deltas] == ["hel", "lo"]
        tools = [event for event in heard if isinstance(event, ClaudeCodeTool)]
        assert [(tool.name, tool.status) for tool in tools] == [("Bash", "started"), ("Bash", "failed")]
        assert "Bash rm -rf / needs a person's approval" in answered.answer


async def test_drain_lets_a_running_turn_finish(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        taken = await core.operations.messages.send(asked(core), SessionId("s1"), "hold", None)
        answer = asyncio.create_task(core.operations.messages.answer(taken))
        await until(scripted(core).held, "it is held")
        drain = asyncio.create_task(core.turns.drain(20))
        await asyncio.sleep(0)
        scripted(core).release("done in time")
        assert (await answer).answer == "done in time"
        await drain
        assert not core.turns.running_turns()


async def test_drain_marks_what_does_not_finish_and_tells_the_person_which_tools_had_started(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        receipt = await core.intake.accept(text_message("claude: tool make deploy"))
        await until(lambda: _tool_recorded(core, receipt.message_id), "its tool is recorded")
        await core.turns.drain(0.05)
        assert await state(core, receipt) is TurnState.INTERRUPTED
        told = await core.store.outbox.due("sms", now_ms=2**60, limit=5)
        assert len(told) == 1
        assert "was interrupted: the daemon was shut down while it ran" in told[0].text
        assert "Bash make deploy" in told[0].text
        assert "not run again" in told[0].text


async def _tool_recorded(core: Core, message_id: object) -> bool:
    found = await result(core, message_id)  # type: ignore[arg-type]
    return bool(await core.store.turns.events(found.turn.id))


async def test_drain_tells_those_who_wait_that_their_message_is_kept(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        first = asyncio.create_task(ask(core, "deaf"))
        await until(scripted(core).held, "the first is held")
        taken = await core.operations.messages.send(asked(core), SessionId("s1"), "later", None)
        second = asyncio.create_task(core.operations.messages.answer(taken))
        await until(lambda: _pending(core, 1), "the second waits")
        await core.turns.drain(0.05)
        with pytest.raises(TurnFailed, match="shut down"):
            await first
        with pytest.raises(ConnectionFailed, match="kept and runs after the restart"):
            await second
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await until(lambda: _is(core, taken.accepted.message_id, TurnState.COMPLETED), "it ran after the restart")
        assert scripted(core).texts("s1") == [f"later\n\n({CUT_OFF})"]  # the one before it was interrupted


async def _is(core: Core, message_id: object, wanted: TurnState) -> bool:
    return (await result(core, message_id)).turn.state is wanted  # type: ignore[arg-type]


async def test_drain_keeps_an_unfinished_assistant_turn_for_the_restart(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector(), assistant=ScriptedConnector()) as core:
        receipt = await core.intake.accept(text_message("hold the line"))
        assistant = core.assistant_connector
        assert isinstance(assistant, ScriptedConnector)
        await until(assistant.held, "it is held")
        await core.turns.drain(0.05)
        assert await state(core, receipt) is TurnState.PENDING
        assert assistant.open_now() == []
    again = ScriptedConnector()
    async with Core(tmp_path, connector=ScriptedConnector(), assistant=again) as core:
        await until(again.held, "it runs again")
        again.release("at last")
        await until(lambda: _is(core, receipt.message_id, TurnState.COMPLETED), "it is answered")


async def test_drain_starts_no_turn_that_waits_for_its_process(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector) as core:
        connector.gate.clear()
        receipt = await core.intake.accept(text_message("claude: hello"))
        await until(lambda: connector.opening, "its process starts")
        drain = asyncio.create_task(core.turns.drain(20))
        await asyncio.sleep(0)
        connector.gate.set()
        await asyncio.wait_for(drain, scaled(8))
        assert connector.prompts == []
        assert await state(core, receipt) is TurnState.PENDING


async def test_drain_ends_a_turn_that_was_just_being_started(tmp_path: Path) -> None:
    gate = Gate("start.after_commit")
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector, crash=gate) as core:
        receipt = await core.intake.accept(text_message("claude: deaf"))
        await until(gate.reached.is_set, "its start is being committed")
        drain = asyncio.create_task(core.turns.drain(0))
        await until(lambda: core.completion.time_is_up, "the time is up")
        gate.open()
        await asyncio.wait_for(drain, scaled(8))
        assert await state(core, receipt) in (TurnState.INTERRUPTED, TurnState.PENDING)
        assert not core.turns.running_turns()


async def test_nothing_starts_after_a_drain(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        await core.turns.drain(0)
        taken = await send(core, "late")
        await core.turns.sweep()
        await asyncio.sleep(0)
        assert scripted(core).prompts == []
        assert not (await result(core, taken.accepted.message_id)).turn.state.final


async def test_a_message_that_the_disk_refuses_is_not_accepted(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        async with full_disk(core):
            with pytest.raises(StorageError):
                await core.operations.messages.send(asked(core), SessionId("s1"), "x" * 100_000, None)
            with pytest.raises(StorageError):
                await core.intake.accept(text_message("claude: " + "x" * 100_000))
        assert (await ask(core, "hello")).answer == "hello"
        assert scripted(core).texts("s1") == ["hello"]
        assert (await session(core)).message_count == 1


async def test_a_drain_with_a_full_disk_ends(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector) as core:
        receipt = await core.intake.accept(text_message("claude: deaf"))
        await until(connector.held, "it is held")
        async with full_disk(core):
            connector.release("x" * 100_000)
            await asyncio.wait_for(core.turns.drain(0.05), scaled(8))
            assert await state(core, receipt) is TurnState.RUNNING
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        assert await state(core, receipt) is TurnState.INTERRUPTED


async def test_a_session_whose_project_has_moved_runs_in_the_new_folder_alone(
    tmp_path: Path,
) -> None:
    web = project(tmp_path, "web")
    async with Core(tmp_path, connector=ScriptedConnector(), projects=web) as core:
        await connect(core, path=tmp_path / "web")
        await core.intake.accept(text_message("@web hello"))
        await until(lambda: len(scripted(core).prompts) == 1, "it ran")
    moved = {"web": replace(web["web"], path=str(tmp_path / "site"))}
    async with Core(tmp_path, connector=ScriptedConnector(), projects=moved) as core:
        assert (await ask(core, "hello")).answer == "hello"
        with pytest.raises(ProjectNotAllowed):
            await connect(core, path=tmp_path / "web")
        await core.intake.accept(text_message("and again"))  # follows the answer, which is fresh
        await core.intake.accept(text_message("@web and again"))
        await until(lambda: len(scripted(core).prompts) == 3, "all ran")
        assert {conversation.spec.project_path for conversation in scripted(core).opened} == {str(tmp_path / "site")}


async def test_an_interrupt_with_no_turn_to_begin_returns_none(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        assert await core.turns.interrupt_next("s1") is None


async def test_what_is_accepted_during_a_drain_is_kept_for_the_next_start(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        await core.turns.drain(0)
        taken = await send(core, "late")
        assert (await result(core, taken.accepted.message_id)).turn.state is TurnState.PENDING


async def test_a_stop_does_not_wait_for_ever_for_the_end_of_a_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(turn: Turn) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("supervisor.turns.scheduler.END_SECONDS", 0.1)
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        monkeypatch.setattr(core.recorder, "after", hang)
        taken = await core.intake.accept(text_message("claude: hold"))
        await until(scripted(core).held, "its turn runs")
        await asyncio.wait_for(core.drain(0.0), scaled(10))
        assert await state(core, taken) is TurnState.RUNNING


async def test_abort_drops_what_has_not_begun(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        scripted(core).gate.clear()
        taken = await core.intake.accept(text_message("claude: hold"))
        await until(lambda: scripted(core).opening == 1, "its process starts")
        told = await core.intake.accept(text_message("ABORT"))
        assert (await result(core, told.message_id)).answer == "Dropped 1 queued message."
        scripted(core).gate.set()
        await until(scripted(core).open_now, "the process is there")
        assert await state(core, taken) is TurnState.CANCELLED
        assert scripted(core).prompts == []


async def test_abort_drops_what_waits_for_its_project_and_nobody_elses(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core, "bobs", user="bob")
        await connect(core, "alices")
        running = await send(core, "hold", "bobs")
        await until(scripted(core).held, "bob's runs")
        taken = await send(core, "hello", "alices")
        await until(lambda: core.turns.lanes_of(UserId("alice")) == ["alices"], "alice's waits")
        told = await core.intake.accept(text_message("ABORT"))
        assert (await result(core, told.message_id)).answer == "Dropped 1 queued message."
        assert await state(core, taken) is TurnState.CANCELLED
        assert await state(core, running) is TurnState.RUNNING
        scripted(core).release()
