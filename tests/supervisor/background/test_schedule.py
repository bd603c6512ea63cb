"""The jobs run at intervals until the schedule is closed."""

from __future__ import annotations

import time
from collections import deque
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from apscheduler.executors import base as executor
from apscheduler.schedulers import base
from apscheduler.triggers import interval

from supervisor.background.audit import AuditKeeper
from supervisor.background.schedule import Schedule
from supervisor.background.uploads import UploadKeeper
from supervisor.config import Audit, Uploads
from supervisor.protocol.errors import StorageError
from supervisor.sessions.reaper import Reaper
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import ask, connect, scripted
from tests.waiting import until

DAY = 86_400


class Yesterday(datetime):
    """The wall clock of the scheduler, a day behind."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) - timedelta(seconds=DAY)


def schedule(core: Core, idle_timeout: float, reaper: Reaper | None = None) -> Schedule:
    """Return a schedule of a core; it is not started."""
    return Schedule(
        store=core.store,
        reaper=reaper or Reaper(core.sessions, core.transitions, idle_timeout=idle_timeout),
        turns=core.turns,
        recorder=core.recorder,
        progress=core.progress,
        audit=AuditKeeper(core.store.audit, core.store.keys, core.store.outbox, Audit()),
        uploads=UploadKeeper(core.store.uploads, Path("/nonexistent"), [Path("/nonexistent")], Uploads()),
        clock_seconds=0.05,
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
            await jobs.aclose()
        await jobs.aclose()
        assert (await ask(core, "again")).answer == "again"


async def test_a_wall_clock_that_goes_back_stops_no_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        jobs = schedule(core, 0.05)
        jobs.start()
        try:
            await connect(core)
            await until(lambda: not scripted(core).open_now(), "it is reaped")
            real = time.time
            for module in (base, executor, interval):
                monkeypatch.setattr(module, "datetime", Yesterday)
            monkeypatch.setattr(time, "time", lambda: real() - DAY)
            assert (await ask(core, "again")).answer == "again"
            await until(lambda: not scripted(core).open_now(), "it is reaped again")
        finally:
            await jobs.aclose()


async def test_a_duty_that_fails_runs_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        failures: deque[Exception] = deque([StorageError("full"), RuntimeError("a bug")])
        reaper = Reaper(core.sessions, core.transitions, idle_timeout=0.05)
        reap = reaper.reap

        async def failing() -> int:
            if failures:
                raise failures.popleft()
            return await reap()

        monkeypatch.setattr(reaper, "reap", failing)
        jobs = schedule(core, 0.05, reaper)
        await connect(core)
        jobs.start()
        try:
            await until(lambda: not scripted(core).open_now(), "it is reaped")
        finally:
            await jobs.aclose()
