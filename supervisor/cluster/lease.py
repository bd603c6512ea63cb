"""Keeps the lease of this node: renews it in time, and sees that no agent works on while that is in doubt."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from supervisor.cluster.watchdog import Watchdog
from supervisor.cluster.watching import boot_seconds
from supervisor.protocol.errors import StorageError
from supervisor.store.ports.cluster.nodes import Fenced, Node, NodeStore

logger = logging.getLogger(__name__)

RENEWALS = 4
"""How often a lease is renewed in its length."""
DOUBT = 1 / 2
"""The share of the lease after which agents are frozen if it was not renewed."""
SAFE = 2 / 3
"""The share of the lease in which this process may live without a renewal or a freeze; the rest is for its agents to
end in."""
RETRY_SECONDS = 0.5
"""Pause after a renewal that the database refused, and between two freezes, in seconds."""


class Agents(Protocol):
    """What works on behalf of this node outside of this process."""

    async def freeze(self) -> bool:
        """Stop all of it until `thaw`; return whether nothing runs any more. May run again and again."""

    async def thaw(self) -> None:
        """Let it go on."""


class NoAgents:
    """Nothing works outside of this process yet."""

    async def freeze(self) -> bool:
        """Do nothing."""
        return True

    async def thaw(self) -> None:
        """Do nothing."""


def _heard(nodes: Sequence[Node]) -> None:
    """Do nothing with the nodes."""


class Lease:
    """Renews until it is closed; `async with` starts and ends it.

    While the database cannot be reached, the agents are frozen, and the watchdog is told that this process lives. When
    it can be reached again, they go on, or this process ends because another node has taken over meanwhile.

    Args:
        seconds: the length of the lease.
        fenced: called once when another node has taken over; this process must end then.
        watchdog: None = none is wanted, in tests.
        renewed: called after each renewal with the nodes that live.

    Attributes:
        agents: of this node.
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
        self._listener = renewed
        self._clock = clock
        self._renewed = 0.0
        self._frozen = False
        self._told = False  # the log says that the agents are frozen
        self._changing = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self.agents: Agents = NoAgents()
        self.nodes: Sequence[Node] = ()

    @property
    def lasts(self) -> bool:
        """Whether this node is safe from being taken over now."""
        return self._clock() < self._renewed + self._seconds

    async def __aenter__(self) -> Lease:
        await self._renew()
        self._store.on_fenced(self._end)
        loops = {"lease": self._keep_renewing, "doubts about the lease": self._keep_safe}
        self._tasks = [asyncio.create_task(loop(), name=name) for name, loop in loops.items()]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._watchdog is not None:
            await asyncio.to_thread(self._watchdog.close)

    async def _keep_renewing(self) -> None:
        works = True
        while True:
            await asyncio.sleep(self._seconds / RENEWALS if works else min(RETRY_SECONDS, self._seconds / RENEWALS))
            try:
                await self._renew()
            except Fenced:
                self._end()
                return
            except StorageError as error:
                if works:
                    logger.warning("the lease of this node cannot be renewed: %s", error)
                works = False
            except Exception:
                if works:
                    logger.exception("the lease of this node could not be renewed, or its watchdog not be told")
                works = False
            else:
                if not works:
                    logger.info("the lease of this node is renewed again")
                works = True

    async def _renew(self) -> None:
        asked = self._clock()  # before it, so that the database counts from a later time than we do
        self.nodes = await self._store.renew()
        async with self._changing:
            self._renewed = asked
            if self._watchdog is not None and not self._in_doubt:
                self._watchdog.extend(asked + SAFE * self._seconds)
            if self._frozen and not self._in_doubt:
                await self.agents.thaw()
                self._frozen = self._told = False
                logger.info("the agents go on")
        self._listener(self.nodes)

    @property
    def _in_doubt(self) -> bool:
        return self._clock() >= self._renewed + DOUBT * self._seconds

    async def _keep_safe(self) -> None:
        while True:
            left = self._renewed + DOUBT * self._seconds - self._clock()
            await asyncio.sleep(max(left, min(RETRY_SECONDS, self._seconds / RENEWALS)))
            try:
                async with self._changing:
                    if self._in_doubt:
                        await self._freeze()
            except Exception:
                logger.exception("the agents could not be frozen, or the watchdog not be told; it is tried again")

    async def _freeze(self) -> None:
        """Freeze the agents; the watchdog lets this process live as long as that succeeds."""
        self._frozen = True
        if not await self.agents.freeze():
            logger.error("not every agent can be frozen: this process ends unless the lease is renewed in time")
            return
        if not self._told:
            logger.warning("the agents are frozen, because the lease was not renewed in time")
        self._told = True
        if self._watchdog is not None:
            self._watchdog.extend(self._clock() + SAFE * self._seconds)

    def _end(self) -> None:
        fenced, self._fenced = self._fenced, _done
        fenced()


def _done() -> None:
    """Do nothing: it was told."""
