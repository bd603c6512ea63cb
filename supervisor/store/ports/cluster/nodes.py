"""The `NodeStore` port: the daemons that work on one database, each while its lease lasts.

A node joins when it opens the store and leaves when it closes it. An epoch lives while the row of its node stands; what
a dead epoch has left is free for the others to settle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from supervisor.protocol.errors import StorageError

LEASE_SECONDS = 10.0
"""How long a node counts as alive after its last sign of life, in seconds."""


class Fenced(StorageError):
    """Another node has taken over: nothing that this daemon writes is stored any more."""

    def __init__(self) -> None:
        super().__init__(
            "the lease of this node is over, and another node has taken over",
            "start it again; if this happens often, see how long PostgreSQL cannot be reached from this machine",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNode:
    """What a node says of itself when it joins.

    Attributes:
        name: of the node; no two that live have the same.
        seat: where its state.dir is. Whoever holds the lock of the same one knows that the node before is dead.
        lease_seconds: how long the others wait for a sign of life.
        url: where the other nodes reach it; empty = nowhere.
        labels: by which projects name nodes.
        version: of the program.
    """

    name: str = "this"
    seat: str = ""
    lease_seconds: float = LEASE_SECONDS
    url: str = ""
    labels: tuple[str, ...] = ()
    version: str = ""


ALONE = NewNode()
"""The node of a database that only one daemon can open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node that lives.

    Attributes:
        name, url, labels, version: as in `NewNode`.
        epoch: the number of its start; a node with a smaller one has joined earlier.
        left_ms: what is left of its lease, in milliseconds, by the database's clock; negative = it is over, and nobody
            has taken over yet.
    """

    name: str
    epoch: int
    url: str
    labels: tuple[str, ...]
    version: str
    left_ms: int


class NodeStore(Protocol):
    """The nodes that live."""

    async def live(self) -> list[Node]:
        """Return the nodes whose rows stand, the one that joined first at the head."""

    async def renew(self) -> list[Node]:
        """Extend the lease of this node by its whole length; return the nodes as `live` does.

        It waits for no other write.

        Raises:
            Fenced: another node has taken over.
        """

    async def end_dead(self, *, now_ms: int) -> list[Node]:
        """End the nodes whose leases are over: from this commit on, nothing of them is stored. Return them.

        After a time in which nobody could renew, because the database or the way to it was away, every node gets the
        length of a lease to do so first.
        """

    def on_fenced(self, listener: Callable[[], None]) -> None:
        """Call `listener` in the event loop each time that a write of this node is refused as `Fenced`."""
