"""One node that is active and one that stands by, again and again, whichever of them a test has ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.cluster.cluster import Cluster
from tests.cluster.looking import has_waited, is_ready, other_than, stands_by
from tests.postgres_server import PostgresServer
from tests.waiting import until

LEASE = 6.0
TAKE_OVER_SECONDS = 15.0


@asynccontextmanager
async def pair(folder: Path, server: PostgresServer, **environment: str) -> AsyncIterator[Cluster]:
    """Node a is active, and node b stands by; `environment` is more of that of b."""
    async with Cluster(folder, server, lease=LEASE, standby=True, environments={"b": environment}) as cluster:
        await cluster["a"].start()
        await cluster.add_people("a")
        assert await settled(cluster) == ("a", "b")
        yield cluster


async def settled(cluster: Cluster) -> tuple[str, str]:
    """Start the node again that has ended; return the one that is active, and the one that stands by."""
    for node in cluster.nodes.values():
        if not node.daemon.running:
            await node.kill()
            node.begin()
    found: list[str] = []

    async def are_found() -> bool:
        found[:] = [name for name in cluster.nodes if await is_ready(cluster, name)]
        return len(found) == 1 and await stands_by(cluster, other_than(cluster, found[0]))

    await until(are_found, "one is active, one stands by", 60.0, 0.1)
    # Nobody takes over before the nodes had the length of a lease to renew since it connected.
    await until(lambda: has_waited(cluster), "they have been there for a lease", 2 * LEASE, 0.1)
    return found[0], other_than(cluster, found[0])
