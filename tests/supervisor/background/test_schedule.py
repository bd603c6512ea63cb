"""The jobs run at intervals until the schedule is closed."""

from __future__ import annotations

from pathlib import Path

from supervisor.background.schedule import Schedule
from supervisor.sessions.reaper import Reaper
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import ask, connect, scripted
from tests.waiting import until


def schedule(core: Core, idle_timeout: float) -> Schedule:
    """Return a schedule of a core; it is not started."""
    return Schedule(
        store=core.store,
        reaper=Reaper(core.sessions, core.transitions, idle_timeout=idle_timeout),
        turns=core.turns,
        recorder=core.recorder,
        progress=core.progress,
    )


async def test_the_schedule_reaps_by_itself_until_it_is_closed(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        jobs = schedule(core, 0.05)
        jobs.start()
        try:
            await until(lambda: not scripted(core).open_now(), "it is reaped")
            await until(lambda: core.sessions.live_count() == 0, "its end is recorded")
        finally:
            jobs.close()
        jobs.close()
        assert (await ask(core, "again")).answer == "again"
