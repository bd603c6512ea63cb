"""Keeps the lease of this node: renews it in time, keeps the watchdog quiet, and says when another has taken over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from supervisor.cluster.watchdog import Watchdog
from supervisor.cluster.watching import boot_seconds
from supervisor.protocol.errors import StorageError
from supervisor.store.ports.cluster.nodes import Fenced, Node, NodeStore

logger = logging.getLogger(__name__)

RENEWALS = 4
"""How often a lease is renewed in its length."""
SAFE = 2 / 3
"""The share of the lease in which this process may live without a renewal; the rest is for its agents to end in."""
RETRY_SECONDS = 0.5
"""Pause after a renewal that the database refused, in seconds."""


def _heard(nodes: Sequence[Node]) -> None:
    """Do nothing with the nodes."""


class Lease:
    """Renews until it is closed; `async with` starts and ends it.

    Args:
        seconds: the length of the lease.
        fenced: called once when another node has taken over; this process must end then.
        watchdog: None = none is wanted, in tests.
        renewed: called after each renewal with the nodes that live.

    Attributes:
        nodes: who lived at the last renewal, the one that joined first at the head.
    """

    def __init__(
        self,
        store: NodeStore,
        seconds: float,
        fenced: Callable[[], None],
        *,
        watchdog: Watchdog | None,
        renewed: Callable[[Sequence[Node]], None] = _heard,
        clock: Callable[[], float] = boot_seconds,
    ) -> None:
        self._store = store
        self._seconds = seconds
        self._fenced = fenced
        self._watchdog = watchdog
        self._renewed = renewed
        self._clock = clock
        self._until = 0.0
        self._task: asyncio.Task[None] | None = None
        self.nodes: Sequence[Node] = ()

    @property
    def lasts(self) -> bool:
        """Whether this node is safe from being taken over now."""
        return self._clock() < self._until

    async def __aenter__(self) -> Lease:
        await self._renew()
        self._store.on_fenced(self._end)
        self._task = asyncio.create_task(self._keep(), name="lease")
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._watchdog is not None:
            await asyncio.to_thread(self._watchdog.close)

    async def _keep(self) -> None:
        works = True
        while True:
            await asyncio.sleep(self._seconds / RENEWALS if works else RETRY_SECONDS)
            try:
                await self._renew()
            except Fenced:
                self._end()
                return
            except StorageError as error:
                if works:
                    logger.warning("the lease of this node cannot be renewed: %s", error)
                works = False
            else:
                if not works:
                    logger.info("the lease of this node is renewed again")
                works = True

    async def _renew(self) -> None:
        asked = self._clock()  # before it, so that the database counts from a later time than we do
        self.nodes = await self._store.renew()
        self._until = asked + self._seconds
        if self._watchdog is not None:
            self._watchdog.extend(asked + SAFE * self._seconds)
        self._renewed(self.nodes)

    def _end(self) -> None:
        fenced, self._fenced = self._fenced, _done
        fenced()


def _done() -> None:
    """Do nothing: it was told."""
