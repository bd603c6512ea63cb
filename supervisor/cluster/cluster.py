"""This node among the others: who lives, and who has just been found dead."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

from supervisor.protocol.times import DAY_MS, Clock, now_ms
from supervisor.store.ports.cluster.nodes import Node, NodeStore

logger = logging.getLogger(__name__)

REMEMBERED_MS = DAY_MS
"""For so long a machine counts after its node was last seen, in milliseconds: agents may outlive their daemon."""


class Cluster:
    """The nodes that live, as of the last look.

    Args:
        epoch: of this node.
        clock: milliseconds UTC, for the audit trail, and for how long machines count.

    Attributes:
        live: this node and the others, the one that joined first at the head; empty before the first look.
    """

    def __init__(self, store: NodeStore, epoch: int, *, clock: Clock = now_ms) -> None:
        self._store = store
        self._clock = clock
        self.epoch = epoch
        self.live: Sequence[Node] = ()
        self._seen: dict[tuple[str, ...], int] = {}

    @property
    def others(self) -> Sequence[Node]:
        """The nodes but this one."""
        return [node for node in self.live if node.epoch != self.epoch]

    @property
    def machines(self) -> Collection[Sequence[str]]:
        """The machines of other nodes, of those that are gone too: of each its addresses, and the url of its node."""
        return self._seen.keys()

    async def look(self) -> Sequence[Node]:
        """Look who lives, and end the nodes whose leases are over; return those.

        Raises:
            StorageError: the database cannot be asked.
        """
        self.live = await self._store.live()
        self._note_machines()
        if all(node.left_ms > 0 for node in self.others):
            return ()
        ended = await self._store.end_dead(now_ms=self._clock())
        for node in ended:
            logger.warning("node %s is dead: its lease ended %.1f s ago", node.name, -node.left_ms / 1000)
        if ended:
            self.live = await self._store.live()
        return ended

    def _note_machines(self) -> None:
        now = self._clock()
        seen = self._seen | {(*node.addresses, node.url): now for node in self.others}
        self._seen = {machine: at for machine, at in seen.items() if at > now - REMEMBERED_MS}
