"""A turn is bound to its session's process from its start to its end, also while it is suspended."""

from __future__ import annotations

from pathlib import Path

from supervisor.protocol.conversation import TextDelta
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import SessionStatus
from supervisor.sessions.reaper import QUIET_SECONDS
from supervisor.turns.running.turn import RunningTurn
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import connect, session
from tests.supervisor.turn_records import turn


def running(core: Core) -> RunningTurn:
    return RunningTurn(turn(), core.hub, lambda number, event: None)


async def test_a_bound_turn_hears_the_process_until_it_is_unbound(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        bound = running(core)
        binding = await core.binder.bind(live, bound)
        assert live.turn is binding
        assert live.prompted
        live.hear(TextDelta(text="hello"))
        core.binder.unbind(live, well=True)
        live.hear(TextDelta(text="too late"))
        assert bound.text == ["hello"]
        assert live.turn is None


async def test_a_turn_makes_an_idle_session_active(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        live.used -= QUIET_SECONDS + 1
        await core.reaper.note_quiet()
        assert (await session(core)).status is SessionStatus.IDLE
        await core.binder.bind(live, running(core))
        assert (await session(core)).status is SessionStatus.ACTIVE


async def test_a_status_that_cannot_be_stored_stops_no_turn(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        live.used -= QUIET_SECONDS + 1
        await core.reaper.note_quiet()
        await core.store.close()
        binding = await core.binder.bind(live, running(core))
        assert live.turn is binding


async def test_a_resumed_turn_keeps_its_binding_and_lets_kept_approvals_end_again(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        binding = await core.binder.bind(live, running(core))
        binding.outdated = True
        binding.denied.append("Bash make was not run")
        assert await core.binder.resume(live) is binding
        assert not binding.outdated
        assert binding.denied == ["Bash make was not run"]


async def test_an_unbound_turn_that_succeeded_resets_the_count_of_failures(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        for well, failures in ((False, 2), (True, 0)):
            live.lifecycle.failures = 2
            core.binder.unbind(live, well=well)
            assert live.lifecycle.failures == failures
