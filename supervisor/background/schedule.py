"""The interval jobs: sessions, lanes, notices about long turns, old keys and checkpoints."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC
from typing import Protocol

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from supervisor.background.audit import AuditKeeper
from supervisor.background.progress import ProgressNotices
from supervisor.background.uploads import UploadKeeper
from supervisor.protocol.errors import StorageError
from supervisor.protocol.times import DAY_MS, Clock, now_ms
from supervisor.sessions.reaper import Reaper
from supervisor.turns.scheduler import TurnScheduler
from supervisor.undo.recorder import Recorder

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 10.0
PROGRESS_SECONDS = 5.0
PURGE_SECONDS = 3600.0
AUDIT_SECONDS = 3600.0
PRUNE_SECONDS = 6 * 3600.0
"""Pauses between two runs of each job, in seconds."""

CLOCK_SECONDS = 5.0
"""Pause between two looks at the wall clock, in seconds."""

CLOCK_TOLERANCE = 1.0
"""A wall clock that goes back by less, in seconds, changes nothing."""


class Purged(Protocol):
    """A store, of which the schedule knows only that what expires in it is deleted by and by."""

    async def purge(self, *, before_ms: int) -> int:
        """Delete expired deduplication keys, answers and codes; return how many keys and answers there were."""


class Schedule:
    """Runs one interval job for each duty; a duty covers all sessions, instead of one job for each session.

    The scheduler goes by the wall clock. Where that goes back, every job begins its interval anew, because its next run
    would be late by as much.

    Args:
        clock_seconds: see `CLOCK_SECONDS`.
    """

    def __init__(
        self,
        *,
        store: Purged,
        reaper: Reaper,
        turns: TurnScheduler,
        recorder: Recorder,
        progress: ProgressNotices,
        audit: AuditKeeper,
        uploads: UploadKeeper,
        clock: Clock = now_ms,
        clock_seconds: float = CLOCK_SECONDS,
    ) -> None:
        self._store = store
        self._reaper = reaper
        self._turns = turns
        self._recorder = recorder
        self._progress = progress
        self._audit = audit
        self._uploads = uploads
        self._clock = clock
        self._clock_seconds = clock_seconds
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._seconds: dict[str, float] = {}
        self._watch: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the jobs; each runs first after one interval."""
        self._add("reap", self._reaper.reap, self._reaper.interval)
        self._add("sweep", self._turns.sweep, SWEEP_SECONDS)
        self._add("progress", self._progress.look, PROGRESS_SECONDS)
        self._add("purge", self._purge, PURGE_SECONDS)
        self._add("audit", self._audit.keep, AUDIT_SECONDS)
        self._add("uploads", self._uploads.keep, PURGE_SECONDS)
        self._add("prune", self._recorder.prune, PRUNE_SECONDS)
        self._scheduler.start()
        self._watch = asyncio.create_task(self._watch_clock(), name="wall clock of the jobs")

    async def aclose(self) -> None:
        """Stop the jobs and wait for their end; without effect where they do not run."""
        if self._watch is None:
            return
        self._watch.cancel()
        await asyncio.gather(self._watch, return_exceptions=True)
        self._watch = None
        self._scheduler.shutdown(wait=False)

    async def _purge(self) -> None:
        await self._store.purge(before_ms=self._clock() - DAY_MS)

    def _add(self, name: str, duty: Callable[[], Awaitable[object]], seconds: float) -> None:
        async def guarded() -> None:
            try:
                await duty()
            except StorageError as error:
                logger.error("%s: %s", name, error)

        self._seconds[name] = seconds
        # No grace time: a run that is late, on a busy machine or after a clock that jumped, is made up for.
        self._scheduler.add_job(
            guarded,
            "interval",
            id=name,
            name=name,
            seconds=seconds,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )

    async def _watch_clock(self) -> None:
        """Begin the intervals anew each time that the wall clock has gone back."""
        while True:
            wall, monotonic = time.time(), time.monotonic()
            await asyncio.sleep(self._clock_seconds)
            if time.time() - wall < time.monotonic() - monotonic - CLOCK_TOLERANCE:
                logger.warning("the clock went back, so the interval jobs begin their intervals anew")
                for name, seconds in self._seconds.items():
                    self._scheduler.reschedule_job(name, trigger="interval", seconds=seconds)
