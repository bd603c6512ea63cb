"""The `NodeStore` port: the daemons that work on one database, each while its lease lasts.

A node joins when it opens the store and leaves when it closes it. An epoch lives while the row of its node stands; what
a dead epoch has left is free for the others to settle.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from supervisor.protocol.errors import StorageError, XswarmError
from supervisor.protocol.values.record import record

LONG_WAIT_MS = 60_000
"""After so long, who waits for a project that no node has is told, in milliseconds."""

OF_CLUSTER, OF_AUDIT = "key of the cluster", "key of the audit trail"
"""Names of the marks that hold the check values of the keys that all nodes have."""

LEASE_SECONDS = 10.0
"""How long a node counts as alive after its last sign of life, in seconds."""


class Fenced(StorageError):
    """Another node has taken over: nothing that this daemon writes is stored any more."""

    def __init__(self) -> None:
        super().__init__(
            "the lease of this node is over, and another node has taken over",
            "start it again; if this happens often, see how long PostgreSQL cannot be reached from this machine",
            lasts=True,
        )


class NodeNotFound(XswarmError):
    """No node of this name lives."""

    code = "node_not_found"
    remedy = "`xswarm node list` lists the nodes"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"Node not found: {self.name}"


class OneNode(XswarmError):
    """The database is SQLite, which serves one node."""

    code = "unsupported"
    remedy = "stop the daemon instead; several nodes need PostgreSQL"

    def __str__(self) -> str:
        return "There is one node, as SQLite serves no other"


@record
class KeyChecks:
    """What tells whether two nodes have the same keys, and not what these are.

    Attributes:
        cluster: of the cluster's secret; None = this node has none.
        audit: of the key of the audit trail; None = this node has none yet.
    """

    cluster: int | None
    audit: int | None


@record
class NewNode:
    """What a node says of itself when it joins.

    Attributes:
        name: of the node; no two that live have the same.
        seat: where its state.dir is. Whoever holds the lock of the same one knows that the node before is dead.
        lease_seconds: how long the others wait for a sign of life.
        url: where the other nodes reach it; empty = nowhere.
        labels: by which projects name nodes.
        version: of the program.
        projects: whose folders it has.
        addresses: of its machine.
        keys: compared with those of the other nodes; None = they are not compared.
        keeper: its id in state.dir, by which the database knows whose transcripts are here; empty = it has none.
    """

    name: str = "this"
    seat: str = ""
    lease_seconds: float = LEASE_SECONDS
    url: str = ""
    labels: tuple[str, ...] = ()
    version: str = ""
    projects: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    keys: KeyChecks | None = None
    keeper: str = ""


ALONE = NewNode()
"""The node of a database that only one daemon can open."""


@record
class Node:
    """A node that lives.

    Attributes:
        name, url, labels, version: as in `NewNode`.
        epoch: the number of its start; a node with a smaller one has joined earlier.
        left_ms: what is left of its lease, in milliseconds, by the database's clock; negative = it is over, and nobody
            has taken over yet.
        draining: whether somebody has asked it to end its turns and stop.
        projects: whose folders it has; None = it does not say.
        addresses: of its machine; none = it does not say.
        secrets: check values of what it has in common with the others, by name; None = it does not say.
    """

    name: str
    epoch: int
    url: str
    labels: tuple[str, ...]
    version: str
    left_ms: int
    draining: bool = False
    projects: tuple[str, ...] | None = None
    addresses: tuple[str, ...] = ()
    secrets: Mapping[str, int] | None = None


@record
class ClusterStanding:
    """How the server does that all nodes work on.

    Attributes:
        behind_ms: how far the clock of this node is behind that of the database, in milliseconds; negative = ahead.
        writer: the node and connection that holds the lock of writes; empty = nobody does.
        held_ms: for how long, in milliseconds.
        settings: of the server, by name.
        abandoned: the resources that a dead node owned.
        owned: the resources of each node that lives, by its name.
        led: the channels that a node leads.
        waiting: the projects whose messages have waited for `LONG_WAIT_MS` because no node that lives has them.
    """

    behind_ms: int
    writer: str
    held_ms: int
    settings: dict[str, str]
    abandoned: list[str]
    owned: dict[str, list[str]]
    led: list[str]
    waiting: list[str]


def served_by(nodes: Sequence[Node]) -> frozenset[str] | None:
    """Return the projects that some nodes have together; None = one of them does not say what it has."""
    if any(node.projects is None for node in nodes):
        return None
    return frozenset(project for node in nodes for project in node.projects or ())


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

    async def tell(self, projects: Collection[str], addresses: Collection[str]) -> None:
        """Let the others know whose folders this node has, and the addresses of its machine; it waits for no write.

        Raises:
            Fenced: another node has taken over.
        """

    async def tell_secrets(self, checks: Mapping[str, int]) -> None:
        """Let the others know the check values of this node's secrets, by name; it waits for no write.

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

    async def drain(self, name: str, *, by: str, now_ms: int) -> None:
        """Ask a node to end its turns and stop; it hears of it with its next renewal.

        Raises:
            NodeNotFound: no node of this name lives.
            OneNode: the database serves one node.
        """

    async def fence(self, name: str, *, by: str, now_ms: int) -> None:
        """End a node, whatever is left of its lease: from this commit on, nothing of it is stored.

        Raises:
            NodeNotFound: no node of this name lives.
            OneNode: the database serves one node.
        """

    async def forget_keys(self, *, lost: bool, by: str, now_ms: int) -> None:
        """Let the next node that joins say which cluster's secret all have, while no node works.

        Args:
            lost: the key of the audit trail too; its entries from then on do not continue those before.

        Raises:
            ConfigError: a node works.
            OneNode: the database serves one node.
        """

    async def standing(self) -> ClusterStanding | None:
        """Return how the server does; None = there is none."""
