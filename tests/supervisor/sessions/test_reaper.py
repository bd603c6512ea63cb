"""The reaper closes what is idle, never what works, a thousand at a time."""

from __future__ import annotations

import asyncio
from pathlib import Path

from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import EndReason, SessionStatus
from supervisor.sessions.reaper import QUIET_SECONDS, Reaper
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import PLENTY, ask, connect, project, scripted, send, session
from tests.waiting import until


def reaper(core: Core, idle_timeout: float) -> Reaper:
    """Return a reaper of a core's sessions with another timeout."""
    return Reaper(core.sessions, core.transitions, idle_timeout=idle_timeout)


async def status(core: Core, session_id: str = "s1") -> SessionStatus:
    """Return a session's stored status."""
    return (await session(core, session_id)).status


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
        assert await reaper(core, 300).reap() == 1
        assert (await session(core, "idle")).end_reason == EndReason.IDLE
        assert (await session(core, "busy")).status is SessionStatus.ACTIVE
        assert len(scripted(core).open_now()) == 1
        scripted(core).release()


async def test_a_session_is_not_reaped_before_its_time(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        assert await reaper(core, 300).reap() == 0


async def test_without_a_timeout_nothing_is_reaped(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        live.used -= 1_000_000
        assert await reaper(core, 0).reap() == 0


async def test_a_thousand_idle_sessions_go_in_one_pass_and_few_commits(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector(), claude_code=PLENTY) as core:
        await asyncio.gather(*(connect(core, f"s{number}") for number in range(1000)))
        of_all = reaper(core, 0.001)
        await until(lambda: len(core.sessions.idle(longer_than=0.001)) == 1000, "all are idle")
        before = _commits(core)
        assert await of_all.reap() == 1000
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


async def test_an_idle_session_is_called_idle_after_a_minute_and_active_with_its_next_turn(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        await core.reaper.note_quiet()
        assert await status(core) is SessionStatus.ACTIVE
        age(core, "s1", QUIET_SECONDS + 1)
        await core.reaper.note_quiet()
        assert await status(core) is SessionStatus.IDLE
        await ask(core, "hello")
        assert await status(core) is SessionStatus.ACTIVE


def age(core: Core, session_id: str, seconds: float) -> None:
    """Let a session's last turn have ended that much earlier."""
    live = core.sessions.live(SessionId(session_id))
    assert live is not None
    live.used -= seconds
