"""Connecting, disconnecting and interrupting sessions: by the caller's rights, with the errors of the protocol."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from supervisor.core.ground import Tuning
from supervisor.people.identity import Caller
from supervisor.protocol.errors import (
    InvalidMessage,
    NotAllowed,
    ProjectNotAllowed,
    SessionNotActive,
    SessionNotFound,
    TurnFailed,
    UserNotFound,
)
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import EndReason, SessionStatus, TurnState
from tests.fakes import ScriptedConnector
from tests.slowness import scaled
from tests.supervisor.harness import OPERATOR, Core
from tests.supervisor.helpers import ask, asked, connect, result, scripted, session, state, text_message
from tests.waiting import until

S1 = SessionId("s1")


def operator(core: Core) -> Caller:
    """Return the operator."""
    return core.directory.caller(OPERATOR)


async def person(core: Core, user_id: str) -> Caller:
    """Return the holder of a user's own token."""
    return core.directory.caller(await core.token(user_id))


async def test_connecting_twice_attaches_and_connecting_after_the_end_resumes(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        assert await connect(core) is False
        assert await connect(core) is False
        await core.operations.sessions.disconnect(operator(core), S1)
        assert await connect(core) is True
        await core.sessions.close_idle([S1], EndReason.IDLE)
        assert await connect(core) is True
        assert len({conversation.spec.conversation_id for conversation in scripted(core).opened}) == 1


async def test_a_session_can_be_connected_only_with_the_rights_of_its_user(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        operations, site = core.operations, str(core.site)
        with pytest.raises(UserNotFound):
            await operations.sessions.connect(operator(core), S1, site, "nobody")
        with pytest.raises(ProjectNotAllowed):
            await operations.sessions.connect(operator(core), S1, str(core.vault), "alice")
        with pytest.raises(ProjectNotAllowed):
            await operations.sessions.connect(operator(core), S1, str(core.site / ".." / "vault"), "alice")
        (core.site / "way-out").symlink_to(core.vault)
        with pytest.raises(ProjectNotAllowed):
            await operations.sessions.connect(operator(core), S1, str(core.site / "way-out"), "alice")
        with pytest.raises(NotAllowed):
            await operations.sessions.connect(operator(core), S1, site, "olga")
        with pytest.raises(UserNotFound):
            await operations.sessions.connect(await person(core, "bob"), S1, site, "alice")
        assert scripted(core).opened == []
        await connect(core)
        with pytest.raises(SessionNotFound):
            await operations.sessions.connect(operator(core), S1, site, "bob")
        (core.site / "part").mkdir()
        with pytest.raises(InvalidMessage, match="project_path"):
            await operations.sessions.connect(operator(core), S1, str(core.site / "part"), "alice")


async def test_two_users_who_make_the_same_id_at_once_do_not_share_a_session(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        ends = await asyncio.gather(connect(core, user="alice"), connect(core, user="bob"), return_exceptions=True)
        assert sorted(type(end).__name__ for end in ends) == ["SessionNotFound", "bool"]
        assert len(scripted(core).opened) == 1


async def test_disconnecting_interrupts_the_turn_and_drops_the_queue(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        running = asyncio.create_task(ask(core, "hold"))
        await until(scripted(core).held, "a turn runs")
        waiting = asyncio.create_task(ask(core, "later"))
        await until(lambda: core.store.turns.pending_count(), "another waits")
        gone = await core.operations.sessions.disconnect(operator(core), S1)
        assert gone.reason == "User requested"
        with pytest.raises(TurnFailed, match="interrupted"):
            await running
        with pytest.raises(TurnFailed, match="the session was disconnected"):
            await waiting
        assert scripted(core).texts("s1") == ["hold"]
        assert scripted(core).open_now() == []
        stored = await session(core)
        assert (stored.status, stored.end_reason) == (SessionStatus.DISCONNECTED, EndReason.USER)
        for refused in (
            core.operations.messages.send(asked(core), S1, "x", None),
            core.operations.sessions.disconnect(operator(core), S1),
        ):
            with pytest.raises(SessionNotActive, match="Session is not active: s1"):
                await refused


async def test_the_sender_of_a_queued_text_is_told_when_it_is_dropped(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        first = await core.intake.accept(text_message("claude: hold"))
        await until(scripted(core).held, "a turn runs")
        second = await core.intake.accept(text_message("claude: later"))
        name = (await result(core, first.message_id)).turn.session_id
        assert name is not None
        await core.operations.sessions.disconnect(operator(core), name)
        assert await state(core, second) is TurnState.CANCELLED
        told: dict[object, str] = {}
        while rows := await core.store.outbox.due("sms", now_ms=2**60, limit=9):
            told |= {row.message_id: row.text for row in rows}
            for row in rows:
                await core.store.outbox.dead(row.id, "read", now_ms=0)
        assert told[second.message_id] == 'Your message "later" was not worked on: the session was disconnected.'
        assert told[first.message_id].startswith("Stopped by operator.")


async def test_a_turn_that_ignores_its_interrupt_ends_with_its_process(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector(), tuning=Tuning(turn_to_end_seconds=0.05)) as core:
        await connect(core)
        running = asyncio.create_task(ask(core, "deaf"))
        await until(scripted(core).held, "a turn runs")
        await core.operations.sessions.disconnect(operator(core), S1)
        with pytest.raises(TurnFailed):
            await asyncio.wait_for(running, scaled(8))
        assert scripted(core).open_now() == []
