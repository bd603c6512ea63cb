"""Time from kill -9 of the node that owns a conversation to the answer of another node."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.figures import Figure, compare
from tests.cluster.cluster import Cluster
from tests.postgres_server import PostgresServer

NODES = ("a", "b", "c")
LEASE_SECONDS = 10.0
"""The default of `node.lease_seconds`."""

OWNER = "SELECT nodes.name FROM places JOIN nodes USING (epoch) WHERE place LIKE 'project/%%'"


async def measure(server: PostgresServer, folder: Path, short: bool) -> list[Figure]:
    """Kill the owner some times; a text comes to another node at that moment."""
    rounds = 1 if short else 5
    took = []
    async with Cluster(folder, server, NODES, lease=LEASE_SECONDS, direct=True) as cluster:
        for name in NODES:
            await cluster[name].start()
            if name == NODES[0]:
                await cluster.add_people(name)
        for number in range(rounds):
            await cluster.ask(NODES[0], f"claude: before {number}.", f"before {number}.")
            ((owner,),) = await cluster.rows(OWNER)
            other = next(name for name in NODES if name != owner)
            await cluster[owner].kill()
            began = time.perf_counter()
            await cluster.ask(other, f"claude: after {number}.", f"after {number}.")
            took.append(time.perf_counter() - began)
            await cluster[owner].start()
    name = "from kill -9 of the owner to the answer of another node"
    return [compare(name, "s", took, "the lease of a node", [LEASE_SECONDS], "15 s")]
