"""Takes over from nodes that have died: their turns are settled here where this node can, or else after a time."""

from __future__ import annotations

import asyncio
import logging

from supervisor.background.recovery import Recovery
from supervisor.cluster.cluster import Cluster
from supervisor.protocol.errors import StorageError
from supervisor.runtime.logs import Outage

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Pause between two looks whether the other nodes live, in seconds."""


class Takeover:
    """Looks for dead nodes while this one serves.

    Args:
        recovery: settles what they have left.
    """

    def __init__(self, cluster: Cluster, recovery: Recovery, *, seconds: float = LOOK_SECONDS) -> None:
        self._cluster = cluster
        self._recovery = recovery
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="take over from dead nodes")

    async def aclose(self) -> None:
        """Stop to look; without effect where it was not started."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        left, epochs = True, frozenset[int]()
        outage = Outage(logger, logging.WARNING)
        while True:
            try:
                await self._cluster.look()
                # Another node may have found one dead, and one may have left by itself.
                live = frozenset(node.epoch for node in self._cluster.live)
                if left or epochs - live:
                    left = (await self._recovery.settle()).left > 0
                epochs = live
                outage.works("what dead nodes leave is settled again")
            except StorageError as error:
                left = True
                outage.failed("what dead nodes have left cannot be settled yet: %s", error)
            except Exception:
                left = True
                logger.exception("what dead nodes have left could not be settled")
            await asyncio.sleep(self._seconds)
