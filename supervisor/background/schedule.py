"""The interval jobs: sessions, lanes, notices about long turns, old keys and checkpoints."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from supervisor.background.progress import ProgressNotices
from supervisor.protocol.errors import StorageError
from supervisor.protocol.times import DAY_MS, Clock, now_ms
from supervisor.sessions.reaper import Reaper
from supervisor.store.port import Store
from supervisor.turns.scheduler import TurnScheduler
from supervisor.undo.recorder import Recorder

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 10.0
PROGRESS_SECONDS = 5.0
PURGE_SECONDS = 3600.0
PRUNE_SECONDS = 6 * 3600.0
"""Pauses between two runs of each job, in seconds."""


class Schedule:
    """Runs one interval job for each duty; a duty covers all sessions, instead of one job for each session."""

    def __init__(
        self,
        *,
        store: Store,
        reaper: Reaper,
        turns: TurnScheduler,
        recorder: Recorder,
        progress: ProgressNotices,
        clock: Clock = now_ms,
    ) -> None:
        self._store = store
        self._reaper = reaper
        self._turns = turns
        self._recorder = recorder
        self._progress = progress
        self._clock = clock
        self._scheduler = AsyncIOScheduler(timezone=UTC)

    def start(self) -> None:
        """Start the jobs."""
        self._add("reap", self._reaper.reap, self._reaper.interval)
        self._add("sweep", self._turns.sweep, SWEEP_SECONDS)
        self._add("progress", self._progress.look, PROGRESS_SECONDS)
        self._add("purge", self._purge, PURGE_SECONDS)
        self._add("prune", self._recorder.prune, PRUNE_SECONDS)
        self._scheduler.start()

    def close(self) -> None:
        """Stop the jobs; without effect where they do not run."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def _purge(self) -> None:
        await self._store.purge(before_ms=self._clock() - DAY_MS)

    def _add(self, name: str, duty: Callable[[], Awaitable[object]], seconds: float) -> None:
        async def guarded() -> None:
            try:
                await duty()
            except StorageError as error:
                logger.error("%s: %s", name, error)

        self._scheduler.add_job(guarded, "interval", seconds=seconds, name=name, coalesce=True, max_instances=1)
