"""After a crash: an assistant's turn runs again, one of Claude Code is reported, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import EndReason, SessionStatus, TurnState
from supervisor.recovery import MAX_ATTEMPTS, recover
from supervisor.store import SqliteStore
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import connect, result, scripted, session, text_message
from tests.waiting import until


def core_with(folder: Path, *, recovering: bool = True) -> Core:
    """Return a core whose connectors are scripted."""
    connector, assistant = ScriptedConnector(), ScriptedConnector()
    return Core(folder, connector=connector, assistant=assistant, recovering=recovering)


def assistant_of(core: Core) -> ScriptedConnector:
    """Return what answers as the assistant."""
    assert isinstance(core.assistant_connector, ScriptedConnector)
    return core.assistant_connector


async def test_each_turn_that_a_crash_cut_off_is_settled_by_its_kind(tmp_path: Path) -> None:
    async with core_with(tmp_path) as before:
        claude = await before.intake.accept(text_message("claude: tool make deploy"))
        waiting = await before.intake.accept(text_message("claude: and then"))
        asked = await before.intake.accept(text_message("assistant: hold on"))
        await until(assistant_of(before).held, "the assistant works")
        await until(lambda: _has_event(before, claude.message_id), "the tool is recorded")
        async with core_with(tmp_path, recovering=False) as after:  # as after a kill: nothing was closed
            found = await recover(after.store, after.turns, after.endings)
            assert (found.sessions, found.requeued, found.interrupted) == (1, 1, 1)
            await until(assistant_of(after).held, "the assistant's turn runs again")
            assistant_of(after).release("here")
            for message_id, state in (
                (claude.message_id, TurnState.INTERRUPTED),
                (waiting.message_id, TurnState.COMPLETED),
                (asked.message_id, TurnState.COMPLETED),
            ):
                await until(lambda: _is(after, message_id, state), f"it is {state}")  # noqa: B023
            assert [text for _, text in scripted(after).prompts] == ["and then"]
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
            await until(lambda: before.turns.busy_count() == 0, "the dead one believes it has ended")
            assert await _is(after, receipt.message_id, TurnState.INTERRUPTED)
            assert (await result(after, receipt.message_id)).answer != "too late"


async def test_an_assistant_turn_that_keeps_taking_the_daemon_down_is_reported(tmp_path: Path) -> None:
    async with core_with(tmp_path) as first:
        receipt = await first.intake.accept(text_message("assistant: hold on"))
        await until(assistant_of(first).held, "it works")
        stores: list[SqliteStore] = []
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
        found = await recover(core.store, core.turns, core.endings)
        assert (found.sessions, found.requeued, found.interrupted) == (0, 0, 0)
