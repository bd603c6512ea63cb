"""The clock: the reaper closes what is idle, never what works, a thousand at a time."""

from __future__ import annotations

import asyncio
from pathlib import Path

from supervisor.background.schedule import Schedule
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import EndReason, SessionStatus
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import PLENTY, ask, connect, project, scripted, send, session
from tests.waiting import until


def schedule(core: Core, idle_timeout: float) -> Schedule:
    """Return a clock of a core; it is not started."""
    return Schedule(
        store=core.store,
        sessions=core.sessions,
        turns=core.turns,
        recorder=core.recorder,
        progress=core.progress,
        idle_timeout=idle_timeout,
    )


async def test_an_idle_session_is_closed_and_one_with_a_turn_is_not(tmp_path: Path) -> None:
    projects = project(tmp_path, "free", concurrent=True)
    async with Core(tmp_path, connector=ScriptedConnector(), projects=projects) as core:
        await connect(core, "idle")
        await connect(core, "busy", path=tmp_path / "free")
        await send(core, "hold", "busy")
        await until(scripted(core).held, "it works")
        for name in ("idle", "busy"):
            live = core.sessions.live(SessionId(name))
            assert live is not None
            live.used -= 1000
        assert await schedule(core, 300).reap() == 1
        assert (await session(core, "idle")).end_reason == EndReason.IDLE
        assert (await session(core, "busy")).status is SessionStatus.ACTIVE
        assert len(scripted(core).open_now()) == 1
        scripted(core).release()


async def test_a_session_is_not_reaped_before_its_time(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        assert await schedule(core, 300).reap() == 0


async def test_without_a_timeout_nothing_is_reaped(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        live.used -= 1_000_000
        assert await schedule(core, 0).reap() == 0


async def test_a_thousand_idle_sessions_go_in_one_pass_and_few_commits(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector(), claude_code=PLENTY) as core:
        await asyncio.gather(*(connect(core, f"s{number}") for number in range(1000)))
        clock = schedule(core, 0.001)
        await until(lambda: len(core.sessions.idle(longer_than=0.001)) == 1000, "all are idle")
        before = _commits(core)
        assert await clock.reap() == 1000
        assert _commits(core) - before <= 3
        assert scripted(core).open_now() == []
        assert core.sessions.live_count() == 0
        assert await core.store.sessions.live_count() == 0


def _commits(core: Core) -> int:
    """Return how many groups were committed: each ends with a frame in the log."""
    path = core.folder / "xswarm.db-wal"
    data = path.read_bytes()
    size = int.from_bytes(data[8:12], "big") + 24
    salt = data[16:24]
    frames = (data[at : at + 24] for at in range(32, len(data) - size + 1, size))
    return sum(frame[8:16] == salt and frame[4:8] != b"\0\0\0\0" for frame in frames)


async def test_a_message_that_comes_while_its_session_is_reaped_is_answered(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector(), claude_code=PLENTY) as core:
        await connect(core)
        for number in range(20):
            reaped, answered = await asyncio.gather(
                core.sessions.close_idle([SessionId("s1")], EndReason.IDLE), ask(core, f"number {number}")
            )
            assert reaped in (0, 1)
            assert answered.answer == f"number {number}"
        assert scripted(core).overlaps == []


async def test_the_clock_reaps_by_itself_until_it_is_closed(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        clock = schedule(core, 0.05)
        clock.start()
        try:
            await until(lambda: not scripted(core).open_now(), "it is reaped")
            await until(lambda: core.sessions.live_count() == 0, "its end is recorded")
        finally:
            clock.close()
        clock.close()
        assert (await ask(core, "again")).answer == "again"
