"""A `NodeStore` in memory, whose leases a test ends."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from supervisor.protocol.errors import StorageError
from supervisor.store.ports.cluster.nodes import ClusterStanding, Fenced, Node, NodeNotFound, NodeStore


def node(epoch: int, name: str = "", left_ms: int = 10_000) -> Node:
    """Return a node that lives."""
    return Node(name=name or f"n{epoch}", epoch=epoch, url="", labels=(), version="", left_ms=left_ms)


class FakeNodes(NodeStore):
    """Nodes in memory.

    Attributes:
        nodes: that live.
        own: the epoch of the node that asks.
        away: whether the database cannot be reached.
        renewals: how often the own lease was renewed.
        ended: the epochs that were ended.
    """

    def __init__(self, own: int, *nodes: Node) -> None:
        self.nodes = list(nodes)
        self.own = own
        self.away = False
        self.renewals = 0
        self.ended: list[int] = []
        self.fenced: Callable[[], None] | None = None

    async def live(self) -> list[Node]:
        self._reach()
        return list(self.nodes)

    async def renew(self) -> list[Node]:
        self._reach()
        if all(each.epoch != self.own for each in self.nodes):
            raise Fenced
        self.renewals += 1
        return list(self.nodes)

    async def tell(self, projects: Collection[str], addresses: Collection[str]) -> None:
        self._reach()
        own = tuple(sorted(projects))
        self.nodes = [replace(each, projects=own) if each.epoch == self.own else each for each in self.nodes]

    async def tell_secrets(self, checks: Mapping[str, int]) -> None:
        """Nobody asks."""

    async def end_dead(self, *, now_ms: int) -> list[Node]:
        self._reach()
        dead = [each for each in self.nodes if each.left_ms <= 0 and each.epoch != self.own]
        self.ended += [each.epoch for each in dead]
        self.nodes = [each for each in self.nodes if each not in dead]
        return dead

    def on_fenced(self, listener: Callable[[], None]) -> None:
        self.fenced = listener

    async def drain(self, name: str, *, by: str, now_ms: int) -> None:
        self._reach()
        if all(each.name != name for each in self.nodes):
            raise NodeNotFound(name)
        self.nodes = [replace(each, draining=True) if each.name == name else each for each in self.nodes]

    async def fence(self, name: str, *, by: str, now_ms: int) -> None:
        self._reach()
        self.nodes = [each for each in self.nodes if each.name != name]

    async def forget_keys(self, *, lost: bool, by: str, now_ms: int) -> None:
        self._reach()

    async def standing(self) -> ClusterStanding | None:
        self._reach()
        return None

    def _reach(self) -> None:
        if self.away:
            raise StorageError("PostgreSQL does not answer")
