"""The interval jobs: sessions, lanes, notices about long turns, old keys and checkpoints."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

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
    """Runs one job for each duty, at intervals; a duty covers all sessions, instead of one job for each session.

    The pauses go by the monotonic clock: a wall clock that goes back stops no job.
    """

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
        self._jobs: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the jobs; each runs first after one interval."""
        self._add("reap", self._reaper.reap, self._reaper.interval)
        self._add("sweep", self._turns.sweep, SWEEP_SECONDS)
        self._add("progress", self._progress.look, PROGRESS_SECONDS)
        self._add("purge", self._purge, PURGE_SECONDS)
        self._add("prune", self._recorder.prune, PRUNE_SECONDS)

    async def aclose(self) -> None:
        """Cancel the jobs and wait for their end; without effect where they do not run."""
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)

    async def _purge(self) -> None:
        await self._store.purge(before_ms=self._clock() - DAY_MS)

    def _add(self, name: str, duty: Callable[[], Awaitable[object]], seconds: float) -> None:
        self._jobs.append(asyncio.create_task(_repeat(name, duty, seconds), name=f"job {name}"))


async def _repeat(name: str, duty: Callable[[], Awaitable[object]], seconds: float) -> None:
    """Carry out a duty again and again, with a pause before each time; a failure ends nothing."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await duty()
        except StorageError as error:
            logger.error("%s: %s", name, error)
        except Exception:
            logger.exception("%s failed", name)
