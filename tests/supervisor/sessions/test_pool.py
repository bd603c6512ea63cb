"""Sessions: one process each, resumed by the next message, evicted when idle, never with a turn in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.config import ClaudeCode
from supervisor.protocol.conversation import Exchange, SessionSpec
from supervisor.protocol.errors import ConnectionFailed, TurnFailed
from supervisor.protocol.messages import SessionId
from supervisor.protocol.ports.connector import Conversation
from supervisor.protocol.status import EndReason, SessionStatus, TurnState
from supervisor.sessions.live import LOOK_SECONDS
from supervisor.sessions.pool import FORGET_SECONDS
from tests.fakes import ScriptedConnector, ScriptedConversation
from tests.slowness import scaled
from tests.supervisor.harness import Core
from tests.supervisor.helpers import (
    PLENTY,
    ask,
    connect,
    project,
    result,
    scripted,
    send,
    session,
    text_message,
)
from tests.waiting import until


async def status(core: Core, session_id: str = "s1") -> SessionStatus:
    """Return a session's stored status."""
    return (await session(core, session_id)).status


async def test_a_session_has_one_process_however_many_want_it_at_once(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector) as core:
        connector.gate.clear()
        wants = [asyncio.create_task(connect(core)) for _ in range(10)]
        await until(lambda: connector.opening, "the first starts it")
        connector.gate.set()
        await asyncio.gather(*wants, ask(core, "hello"))
        assert len(connector.opened) == 1
        assert await status(core) is SessionStatus.ACTIVE


async def test_no_more_processes_than_allowed_start_at_once(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    settings = ClaudeCode(max_sessions=20, max_processes=2)
    projects = project(tmp_path, "free", concurrent=True)
    async with Core(tmp_path, connector=connector, claude_code=settings, projects=projects) as core:
        connector.gate.clear()
        wants = [asyncio.create_task(connect(core, f"s{number}", path=tmp_path / "free")) for number in range(6)]
        await until(lambda: connector.opening == 2, "two start")
        connector.gate.set()
        await asyncio.wait_for(asyncio.gather(*wants), scaled(8))
        await asyncio.wait_for(asyncio.gather(*(ask(core, "hello", f"s{number}") for number in range(6))), scaled(8))
        assert connector.most_processes == 2


async def test_the_least_recently_used_idle_process_gives_way_and_resumes(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector, claude_code=replace(PLENTY, max_processes=2)) as core:
        await connect(core, "s1")
        await connect(core, "s2")
        await ask(core, "one", "s1")
        await connect(core, "s3")
        assert await status(core, "s2") is SessionStatus.DISCONNECTED
        assert (await session(core, "s2")).end_reason == EndReason.EVICTED
        assert (await ask(core, "again", "s2")).answer == "again"
        assert await status(core, "s1") is SessionStatus.DISCONNECTED
        assert (await ask(core, "two", "s1")).answer == "two"
        assert connector.of("s1").spec.resume


async def test_a_session_waits_while_every_process_is_busy(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    settings = replace(PLENTY, max_processes=1)
    async with Core(tmp_path, connector=connector, claude_code=settings, projects=project(tmp_path, "other")) as core:
        await connect(core, "s1")
        await send(core, "hold", "s1")
        await until(connector.held, "the only process is busy")
        second = asyncio.create_task(connect(core, "s2", path=tmp_path / "other"))
        await until(lambda: core.store.sessions.get(SessionId("s2")), "its record is there")
        assert await status(core, "s2") is SessionStatus.CONNECTING
        assert connector.most_processes == 1
        connector.release()
        await asyncio.wait_for(second, scaled(8))
        assert await status(core, "s1") is SessionStatus.DISCONNECTED


async def test_a_dead_process_is_an_error_to_whoever_waits_and_the_next_message_resumes(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector) as core:
        await connect(core)
        await ask(core, "hello")
        with pytest.raises(TurnFailed, match=r"^Claude Code failed: its process ended: killed$"):
            await ask(core, "die killed")
        await until(lambda: _is(core, SessionStatus.DISCONNECTED), "its end is recorded")
        assert (await ask(core, "again")).answer == "again"
        assert connector.of("s1").spec.resume
        assert connector.of("s1").spec.conversation_id == connector.opened[0].spec.conversation_id
        assert [exchange.prompt for exchange in connector.histories[-1]] == ["hello"]


async def _is(core: Core, wanted: SessionStatus, session_id: str = "s1") -> bool:
    return await status(core, session_id) is wanted


async def test_a_process_that_dies_between_turns_is_noticed_and_resumed(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector) as core:
        await connect(core)
        connector.of("s1").die("out of memory")
        await until(lambda: _is(core, SessionStatus.DISCONNECTED), "its end is recorded")
        assert (await session(core)).end_reason == EndReason.CRASH
        assert (await ask(core, "again")).answer == "again"


async def test_a_process_that_does_not_start_is_told_in_the_connector_s_own_sentence(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector) as core:
        connector.refusals.append("the CLI is not installed")
        with pytest.raises(ConnectionFailed, match=r"^Failed to connect to Claude Code: the CLI is not installed$"):
            await connect(core)
        assert (await session(core)).end_reason == EndReason.CONNECTION
        assert await connect(core) is True
        connector.refusals.append("the CLI is not installed")
        receipt = await core.intake.accept(text_message("claude: hello"))
        await until(lambda: _failed(core, receipt.message_id), "it failed")
        (reply,) = await core.store.outbox.due("sms", now_ms=2**60, limit=5)
        assert reply.text == "Failed to connect to Claude Code: the CLI is not installed."


async def _failed(core: Core, message_id: object) -> bool:
    return (await result(core, message_id)).turn.state is TurnState.FAILED  # type: ignore[arg-type]


async def test_a_caller_that_is_cancelled_while_a_process_starts_leaves_no_session_connecting(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector) as core:
        connector.gate.clear()
        leaving = asyncio.create_task(connect(core))
        await until(lambda: connector.opening, "it starts")
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        assert core.sessions.live_count() == 0
        assert await status(core) is SessionStatus.DISCONNECTED
        connector.gate.set()
        assert (await ask(core, "hello")).answer == "hello"


async def test_sessions_without_a_process_do_not_count(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector, claude_code=PLENTY) as core:
        await connect(core, "open")
        connector.refusals.append("no such program")
        with pytest.raises(ConnectionFailed):
            await connect(core, "failed")
        await connect(core, "dead")
        connector.of("dead").die("out of memory")
        await until(lambda: _is(core, SessionStatus.DISCONNECTED, "dead"), "its end is recorded")
        assert core.sessions.live(SessionId("failed")) is not None  # in memory, for its count of failures
        assert (core.sessions.live_count(), core.sessions.live_count_of("alice")) == (1, 1)
        assert [core.sessions.has_live(count) for count in (1, 2, 3, 4)] == [True, False, False, False]


async def test_closing_all_leaves_no_process_and_lets_none_start(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        for number in range(5):
            await connect(core, f"s{number}")
        await core.sessions.close_all(EndReason.SHUTDOWN)
        assert scripted(core).open_now() == []
        assert {await status(core, f"s{number}") for number in range(5)} == {SessionStatus.DISCONNECTED}
        with pytest.raises(ConnectionFailed, match="shutting down"):
            await connect(core, "s1")


async def test_a_session_that_waits_for_a_process_at_the_shutdown_starts_none(tmp_path: Path) -> None:
    limits = ClaudeCode(max_processes=1)
    projects = project(tmp_path, "free", concurrent=True)
    async with Core(tmp_path, connector=ScriptedConnector(), claude_code=limits, projects=projects) as core:
        await connect(core, "s1", path=tmp_path / "free")
        await send(core, "hold")
        await until(scripted(core).held, "the only process is busy")
        waiting = asyncio.create_task(connect(core, "s2"))
        await until(lambda: core.sessions._queue.contended, "another waits")
        await core.sessions.close_all(EndReason.SHUTDOWN)
        with pytest.raises(ConnectionFailed, match="shutting down"):
            await waiting
        assert len(scripted(core).opened) == 1


async def test_a_session_that_failed_long_ago_leaves_memory(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        scripted(core).refusals.append("no such program")
        with pytest.raises(ConnectionFailed):
            await connect(core, "failed")
        await connect(core, "open")
        core.sessions.forget_unused()
        for name in ("failed", "open"):
            live = core.sessions.live(SessionId(name))
            assert live is not None
            live.used -= FORGET_SECONDS + 1
        core.sessions.forget_unused()
        assert core.sessions.live(SessionId("failed")) is None
        assert core.sessions.live(SessionId("open")) is not None


class SlowToEnd(ScriptedConversation):
    """A conversation whose process takes long to end."""

    def __init__(self, connector: ScriptedConnector, spec: SessionSpec, number: int) -> None:
        super().__init__(connector, spec, number)
        self.ends = asyncio.Event()
        self.ending: asyncio.Task[None] | None = None

    async def close(self) -> None:
        self.ending = self.ending or asyncio.create_task(self._end(), name="slow end")
        await asyncio.shield(self.ending)

    async def _end(self) -> None:
        await self.ends.wait()
        await super().close()


class SlowConnector(ScriptedConnector):
    """Notes the sessions that got a second process while the first one was there."""

    def __init__(self) -> None:
        super().__init__()
        self.twice: list[str] = []

    async def open(self, session: SessionSpec, history: Sequence[Exchange]) -> Conversation:
        self.twice += [one.spec.id for one in self.open_now() if one.spec.id == session.id]
        conversation = SlowToEnd(self, session, len(self.opened))
        if self.opened:
            conversation.ends.set()
        self.opened.append(conversation)
        return conversation


@pytest.mark.parametrize("leaver", ["evicts", "closes"])
async def test_no_process_starts_beside_one_that_is_closing_although_the_closer_was_cancelled(
    tmp_path: Path, leaver: str
) -> None:
    connector = SlowConnector()
    async with Core(tmp_path, connector=connector, claude_code=replace(PLENTY, max_processes=1)) as core:
        await connect(core)
        (first,) = connector.opened
        assert isinstance(first, SlowToEnd)
        if leaver == "evicts":
            leaving = asyncio.ensure_future(connect(core, "s2"))
        else:
            leaving = asyncio.ensure_future(core.sessions.close(SessionId("s1"), EndReason.CONNECTION))
        await until(lambda: first.ending is not None, "the process is ended")
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        taken = await send(core, "hello")
        try:
            await until(lambda: core.turns.is_busy("s1"), "its lane looks for a process")
            assert await status(core) is not SessionStatus.CONNECTING
        finally:
            first.ends.set()
        await until(core.all_answered, "it is answered")
        assert (await result(core, taken.accepted.message_id)).answer == "hello"
        assert connector.twice == []


async def test_a_folder_that_was_moved_away_is_not_worked_in_by_the_process_that_knew_it(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        await ask(core, "hello")
        (first,) = scripted(core).opened
        core.site.rename(tmp_path / "elsewhere")
        core.site.mkdir()  # another folder is in its place
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        await until(lambda: live.has_moved(within=LOOK_SECONDS), "the last look is no longer good")
        await ask(core, "and now?")
        assert first.closed
        assert len(scripted(core).opened) == 2
        await ask(core, "once more")
        assert len(scripted(core).opened) == 2
