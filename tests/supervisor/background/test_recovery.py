"""After a crash: answered turns are delivered, turns that did nothing run again, the others are reported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.background.recovery import MAX_ATTEMPTS
from supervisor.protocol.conversation import Trace, TraceKind
from supervisor.protocol.messages import MessageId, SessionId
from supervisor.protocol.status import EndReason, SessionStatus, TurnState
from supervisor.sessions.live import CUT_OFF
from supervisor.turns.prompts import AGAIN
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import AnyStore, Core
from tests.supervisor.helpers import PLENTY, connect, result, scripted, session, text_message
from tests.waiting import until


def core_with(folder: Path, *, recovering: bool = True) -> Core:
    """Return a core whose connectors are scripted."""
    connector, assistant = ScriptedConnector(), ScriptedConnector()
    return Core(folder, connector=connector, assistant=assistant, recovering=recovering)


def assistant_of(core: Core) -> ScriptedConnector:
    """Return the connector of the assistant."""
    assert isinstance(core.assistant_connector, ScriptedConnector)
    return core.assistant_connector


async def test_each_turn_that_a_crash_interrupted_is_settled_by_its_kind(tmp_path: Path) -> None:
    async with core_with(tmp_path) as before:
        claude = await before.intake.accept(text_message("claude: tool make deploy"))
        waiting = await before.intake.accept(text_message("claude: and then"))
        asked = await before.intake.accept(text_message("assistant: hold on"))
        await until(assistant_of(before).held, "the assistant works")
        await until(lambda: _has_event(before, claude.message_id), "the tool is recorded")
        async with core_with(tmp_path, recovering=False) as after:  # as after a kill: nothing was closed
            found = await after.recovery.run()
            assert (found.sessions, found.requeued, found.interrupted) == (1, 1, 1)
            await until(assistant_of(after).held, "the assistant's turn runs again")
            assistant_of(after).release("here")
            for message_id, state in (
                (claude.message_id, TurnState.INTERRUPTED),
                (waiting.message_id, TurnState.COMPLETED),
                (asked.message_id, TurnState.COMPLETED),
            ):
                await until(lambda: _is(after, message_id, state), f"it is {state}")  # noqa: B023
            assert [text for _, text in scripted(after).prompts] == [f"and then\n\n({CUT_OFF})"]
            told = await result(after, claude.message_id)
            assert told.why.startswith(
                "the daemon was restarted while it ran. These tools had started: Bash make deploy"
            )
            assert await after.store.ledger.disagreements() == []


async def _has_event(core: Core, message_id: object) -> bool:
    found = await result(core, message_id)  # type: ignore[arg-type]
    return bool(await core.store.turns.events(found.turn.id))


async def _is(core: Core, message_id: object, state: TurnState) -> bool:
    return (await result(core, message_id)).turn.state is state  # type: ignore[arg-type]


async def test_a_late_writer_of_the_dead_daemon_changes_nothing(tmp_path: Path) -> None:
    async with core_with(tmp_path) as before:
        receipt = await before.intake.accept(text_message("claude: hold"))
        await until(scripted(before).held, "it works")
        async with core_with(tmp_path) as after:
            assert await _is(after, receipt.message_id, TurnState.INTERRUPTED)
            scripted(before).release("too late")
            await until(lambda: not before.turns.running_turns(), "the dead one believes it has ended")
            assert await _is(after, receipt.message_id, TurnState.INTERRUPTED)
            assert (await result(after, receipt.message_id)).answer != "too late"


async def test_an_assistant_turn_that_keeps_crashing_the_daemon_is_reported(tmp_path: Path) -> None:
    async with core_with(tmp_path) as first:
        receipt = await first.intake.accept(text_message("assistant: hold on"))
        await until(assistant_of(first).held, "it works")
        stores: list[AnyStore] = []
        for _ in range(MAX_ATTEMPTS):
            async with core_with(tmp_path, recovering=False) as crashed:
                await crashed.store.turns.adopt((await result(crashed, receipt.message_id)).turn.id)
                await crashed.store.turns.requeue((await result(crashed, receipt.message_id)).turn.id, now_ms=1)
                await crashed.store.turns.start_next("assistant/alice/sms", None, now_ms=1)
                stores.append(crashed.store)
        async with core_with(tmp_path) as last:
            assert await _is(last, receipt.message_id, TurnState.INTERRUPTED)
            (reply,) = await last.store.outbox.due("sms", now_ms=2**60, limit=5)
            assert "was interrupted: the daemon was restarted while it ran" in reply.text
        assert len({store.epoch for store in stores}) == MAX_ATTEMPTS


async def test_sessions_of_the_dead_daemon_have_no_process_and_resume(tmp_path: Path) -> None:
    async with core_with(tmp_path) as before:
        await connect(before)
        async with core_with(tmp_path) as after:
            stored = await session(after)
            assert (stored.status, stored.end_reason) == (SessionStatus.DISCONNECTED, EndReason.CRASH)
            assert after.sessions.live(SessionId("s1")) is None
            assert await connect(after) is True


async def test_a_clean_start_has_nothing_to_settle(tmp_path: Path) -> None:
    async with core_with(tmp_path, recovering=False) as core:
        found = await core.recovery.run()
        assert (found.sessions, found.requeued, found.interrupted) == (0, 0, 0)


async def cut_off(before: Core, text: str, tool: bool = False) -> MessageId:
    """Return the message of a Claude Code turn that hangs, as a kill would find it."""
    receipt = await before.intake.accept(text_message(f"claude: {text}"))
    assert receipt.message_id is not None
    await until(lambda: bool(scripted(before).prompts), "it runs")
    if tool:
        await until(lambda: _has_event(before, receipt.message_id), "the tool is recorded")
    return receipt.message_id


async def test_an_answer_that_was_there_already_is_delivered_and_nothing_runs(tmp_path: Path) -> None:
    async with core_with(tmp_path) as before:
        message_id = await cut_off(before, "hold on")
        async with core_with(tmp_path, recovering=False) as after:
            trace = Trace(kind=TraceKind.ANSWERED, tools={"t": "Bash make"}, answer="All done.")
            scripted(after).traces[message_id] = trace
            assert (await after.recovery.run()).answered == 1
            found = await result(after, message_id)
            assert (found.turn.state, found.answer) == (TurnState.COMPLETED, "All done.")
            assert scripted(after).prompts == []
            (reply,) = await after.store.outbox.due("sms", now_ms=found.ended_ms or 0, limit=9)
            assert reply.text == "All done."
            assert await after.store.ledger.disagreements() == []


@pytest.mark.parametrize("kind", [TraceKind.ABSENT, TraceKind.UNANSWERED, TraceKind.SPOKEN])
async def test_a_prompt_that_called_no_tool_runs_again_under_its_id_unless_it_was_answered_in_part(
    tmp_path: Path, kind: TraceKind
) -> None:
    async with core_with(tmp_path) as before:
        message_id = await cut_off(before, "hold on")
        async with core_with(tmp_path, recovering=False) as after:
            scripted(after).traces[message_id] = Trace(kind=kind)
            assert (await after.recovery.run()).requeued == 1
            await until(scripted(after).held, "it runs again")
            scripted(after).release("now")
            await until(lambda: _is(after, message_id, TurnState.COMPLETED), "it is answered")
            (prompt,) = scripted(after).given
            assert prompt.text.startswith("hold on")
            assert (AGAIN in prompt.text) is (kind is TraceKind.SPOKEN), "else the model has answered nothing"
            assert prompt.message_id == message_id
            assert (prompt.key == message_id) is (kind is not TraceKind.SPOKEN)


async def test_a_prompt_is_traced_by_the_key_under_which_it_was_given_last(tmp_path: Path) -> None:
    async with core_with(tmp_path) as before:
        message_id = await cut_off(before, "hold on")
        async with core_with(tmp_path, recovering=False) as again:
            scripted(again).traces[message_id] = Trace(kind=TraceKind.SPOKEN)
            await again.recovery.run()
            await until(scripted(again).held, "it runs again")
            (second,) = scripted(again).given
            assert second.key is not None
            async with core_with(tmp_path, recovering=False) as after:
                scripted(after).traces[message_id] = Trace(kind=TraceKind.SPOKEN)
                scripted(after).traces[second.key] = Trace(kind=TraceKind.ANSWERED, answer="All done.")
                assert (await after.recovery.run()).answered == 1
                assert (await result(after, message_id)).answer == "All done."


@pytest.mark.parametrize("kind", [TraceKind.STARTED, TraceKind.UNKNOWN])
async def test_anything_else_is_reported_with_the_tools_that_had_started(tmp_path: Path, kind: TraceKind) -> None:
    async with core_with(tmp_path) as before:
        message_id = await cut_off(before, "hold on")
        async with core_with(tmp_path, recovering=False) as after:
            tools = {"t": "Write notes.txt"} if kind is TraceKind.STARTED else {}
            scripted(after).traces[message_id] = Trace(kind=kind, tools=tools)
            assert (await after.recovery.run()).interrupted == 1
            found = await result(after, message_id)
            assert found.turn.state is TurnState.INTERRUPTED
            assert ("Write notes.txt" in found.why) is bool(tools)
            assert scripted(after).prompts == []


@pytest.mark.parametrize("kind", [TraceKind.ABSENT, TraceKind.UNANSWERED])
async def test_a_turn_with_a_recorded_tool_call_does_not_run_again_whatever_the_transcript_says(
    tmp_path: Path, kind: TraceKind
) -> None:
    async with core_with(tmp_path) as before:
        message_id = await cut_off(before, "tool make deploy", tool=True)
        async with core_with(tmp_path, recovering=False) as after:
            scripted(after).traces[message_id] = Trace(kind=kind)
            assert (await after.recovery.run()).interrupted == 1
            assert "Bash make deploy" in (await result(after, message_id)).why
            assert scripted(after).prompts == []


async def test_a_prompt_that_keeps_crashing_the_daemon_is_reported(tmp_path: Path) -> None:
    async with core_with(tmp_path) as before:
        message_id = await cut_off(before, "hold on")
        begun = 1
        for attempt in range(1, MAX_ATTEMPTS + 1):
            async with core_with(tmp_path, recovering=False) as after:
                scripted(after).traces[message_id] = Trace(kind=TraceKind.UNANSWERED)
                found = await after.recovery.run()
                assert (found.requeued, found.interrupted) == ((1, 0) if attempt < MAX_ATTEMPTS else (0, 1))
                if found.requeued:
                    await until(scripted(after).held, "it runs again")
                    begun += 1
                    after.completion.time_is_up = True  # nothing of it is recorded, as after a kill
                    await after.store.close()


@pytest.mark.parametrize(
    ("word", "auto_continue", "again"),
    [("tool ls", True, True), ("tool ls", False, False), ("write notes.txt hold", True, False)],
)
async def test_a_turn_that_had_only_read_runs_again_where_that_is_configured(
    tmp_path: Path, word: str, auto_continue: bool, again: bool
) -> None:
    settings = replace(PLENTY, auto_continue=auto_continue)
    async with core_with(tmp_path) as before:
        message_id = await cut_off(before, word, tool=True)
        if word.startswith("write"):
            await until((before.site / "notes.txt").exists, "it has changed something")
        async with Core(tmp_path, connector=ScriptedConnector(), claude_code=settings, recovering=False) as after:
            scripted(after).traces[message_id] = Trace(kind=TraceKind.STARTED, tools={"t": "a tool"})
            found = await after.recovery.run()
            assert (found.requeued, found.interrupted) == (int(again), int(not again))
            if again:
                await until(scripted(after).held, "it runs again")
                (prompt,) = scripted(after).given
                assert AGAIN in prompt.text
                assert prompt.key != message_id
