"""This daemon as one of several nodes: it keeps its lease; as a standby it serves when no other node is active."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

from supervisor.cluster.cluster import Cluster
from supervisor.cluster.lease import Agents, Lease
from supervisor.cluster.standby import wait_for_turn
from supervisor.cluster.watchdog import Watchdog
from supervisor.config import Config
from supervisor.runtime.systemd import ServiceManager
from supervisor.store.port import Store
from supervisor.store.ports.cluster.nodes import Fenced, Node
from supervisor.wires.standby import StandbyServer

logger = logging.getLogger(__name__)

EXIT_FENCED = 75
"""The exit code of a node that was taken over: EX_TEMPFAIL of sysexits(3), because it may start again."""


class Membership:
    """The part that this daemon has in a cluster; alone on SQLite, it has none.

    Args:
        store: open, so that this node has joined.
        stack: of the daemon, which ends the lease right before it closes the store.
    """

    def __init__(self, config: Config, store: Store, stack: AsyncExitStack, manager: ServiceManager) -> None:
        self._config = config
        self._store = store
        self._stack = stack
        self._manager = manager
        self._lease: Lease | None = None

    def parts(self) -> Mapping[str, bool]:
        """Return whether the lease of this node lasts, for /readyz; alone it has none."""
        return {} if self._lease is None else {"lease": self._lease.lasts}

    def guard(self, agents: Agents) -> None:
        """Freeze these agents while it is in doubt whether this node still lives for the others."""
        if self._lease is not None:
            self._lease.agents = agents

    async def may_serve(self, stop: asyncio.Event) -> bool:
        """Return when this node may be active; False = it is to stop before.

        Raises:
            ConfigError: the port of HTTP cannot be bound.
            StorageError: the lease cannot be renewed, or another node has taken over.
        """
        if not self._config.store.url:
            return True
        nodes = self._store.nodes

        def look(live: Sequence[Node]) -> None:
            if not stop.is_set() and any(node.draining for node in live if node.epoch == self._store.epoch):
                logger.warning("this node was drained: it ends its turns and stops")
                stop.set()

        seconds = self._config.node.lease_seconds
        self._lease = Lease(nodes, seconds, _end, watchdog=Watchdog(), renewed=look)
        await self._stack.enter_async_context(self._lease)
        cluster = Cluster(nodes, self._store.epoch)
        if not self._config.node.standby:
            await cluster.look()
            return True
        async with AsyncExitStack() as waiting:
            server = StandbyServer(self._config.http)

            async def stand_by(active: Node) -> None:
                if not server.url:
                    await waiting.enter_async_context(server)
                server.active = active.name
                self._say(f"xswarm stands by at {server.url}: {active.name} is active")

            return await wait_for_turn(cluster, stop, stand_by)

    def _say(self, line: str) -> None:
        logger.info("%s", line)
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        self._manager.ready(line)


def _end() -> None:
    """End this process at once: another node does its work now, and nothing that it does counts any more."""
    error = Fenced()
    logger.critical("%s; %s", error, error.remedy)
    logging.shutdown()
    os._exit(EXIT_FENCED)  # the fence of each session ends its agents
