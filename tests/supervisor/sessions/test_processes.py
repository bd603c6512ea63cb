"""Processes of sessions: each has a token of its own and the conversation before it; one that breaks has ended."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from supervisor.protocol.errors import ConnectionFailed, TurnFailed
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import EndReason
from tests.fakes import ScriptedConnector, ScriptedConversation
from tests.slowness import scaled
from tests.supervisor.harness import Core
from tests.supervisor.helpers import (
    ask,
    connect,
    scripted,
    session,
)
from tests.waiting import until


async def test_a_stream_that_raises_is_the_end_of_the_process(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector) as core:
        await connect(core)
        answer = asyncio.create_task(ask(core, "deaf"))
        await until(connector.held, "it is held")
        connector.of("s1").raise_in_events(RuntimeError("a plug-in that is broken"))
        with pytest.raises(TurnFailed, match="reading the conversation failed"):
            await asyncio.wait_for(answer, scaled(8))
        assert connector.open_now() == []
        assert (await ask(core, "again")).answer == "again"


async def test_a_connector_that_breaks_when_it_opens_is_an_error_to_whoever_waits(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector) as core:
        await connect(core)
        await core.sessions.close_idle([SessionId("s1")], EndReason.IDLE)
        connector.breaking = 1
        with pytest.raises(ConnectionFailed, match="internal error"):
            await asyncio.wait_for(ask(core, "hello"), scaled(8))
        assert (await ask(core, "hello")).answer == "hello"


async def test_a_reaped_session_keeps_its_conversation_over_a_restart(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        await ask(core, "hello")
        await core.sessions.close_idle([SessionId("s1")], EndReason.IDLE)
        first = scripted(core).of("s1").spec
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        assert (await session(core)).end_reason == EndReason.IDLE
        assert (await ask(core, "again")).answer == "again"
        second = scripted(core).of("s1").spec
        assert second.conversation_id == first.conversation_id
        assert second.resume
        assert [exchange.answer for exchange in scripted(core).histories[0]] == ["hello"]


async def test_a_crash_keeps_the_conversation(tmp_path: Path) -> None:
    core = Core(tmp_path, connector=ScriptedConnector())
    async with core:
        await connect(core)
        await ask(core, "hello")
        async with Core(tmp_path, connector=ScriptedConnector()) as after:  # as after a kill: nothing was closed
            assert (await session(after)).end_reason == EndReason.CRASH
            assert (await ask(after, "again")).answer == "again"
            assert scripted(after).of("s1").spec.resume


async def test_each_process_has_a_token_of_its_own_that_dies_with_it(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector) as core:
        await connect(core, "s1")
        await connect(core, "s2")
        tokens = [endpoint.token for endpoint in connector.endpoints() if endpoint is not None]
        assert len(set(tokens)) == 2
        await core.sessions.close_idle([SessionId("s1")], EndReason.IDLE)
        await ask(core, "again", "s1")
        newest = connector.endpoints()[-1]
        assert newest is not None
        assert newest.token not in tokens


async def test_all_processes_are_frozen_and_those_that_start_meanwhile(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector) as core:
        processes = core.sessions._processes
        assert await processes.freeze()
        await connect(core)
        assert connector.of("s1").frozen
        await processes.thaw()
        assert not connector.of("s1").frozen
        assert await processes.freeze()
        connector.freezes = False
        assert not await processes.freeze()
        await core.sessions.close_idle([SessionId("s1")], EndReason.IDLE)
        assert await processes.freeze()


async def test_a_process_that_is_being_frozen_when_the_others_go_on_goes_on_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def freeze(conversation: ScriptedConversation) -> bool:
        begun.set()
        await may_end.wait()
        conversation.frozen = True
        return True

    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector) as core:
        processes = core.sessions._processes
        assert await processes.freeze()
        monkeypatch.setattr(ScriptedConversation, "freeze", freeze)
        connecting = asyncio.create_task(connect(core))
        await begun.wait()
        await processes.thaw()
        may_end.set()
        await connecting
        assert not connector.of("s1").frozen
