"""What a test sees of a cluster: in its database, and at the HTTP servers of its nodes."""

from __future__ import annotations

import httpx

from tests.cluster.cluster import Cluster
from tests.waiting import until

RUNNING_AT = "SELECT n.name FROM turns AS t JOIN nodes AS n ON n.epoch = t.epoch WHERE t.state = 'running'"
OWNER = "SELECT n.name FROM places AS p JOIN nodes AS n ON n.epoch = p.epoch WHERE p.place = %s"
LEASES_OF = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'xswarm lease'
      AND backend_start < clock_timestamp() - make_interval(secs => %s)
"""


async def runs(cluster: Cluster) -> bool:
    """Return whether a turn runs."""
    return bool(await cluster.rows("SELECT 1 FROM turns WHERE state = 'running'"))


async def running_at(cluster: Cluster) -> list[str]:
    """Return the nodes of the turns that run."""
    return [name for (name,) in await cluster.rows(RUNNING_AT)]


async def where_it_runs(cluster: Cluster) -> str:
    """Wait until just one turn runs, and return its node."""
    found: list[str] = []

    async def is_found() -> bool:
        found[:] = await running_at(cluster)
        return len(found) == 1

    await until(is_found, "a turn runs")
    return found[0]


async def owner(cluster: Cluster, resource: str = "project/site") -> str:
    """Return the node that owns a resource; empty = none that lives."""
    return "".join(name for (name,) in await cluster.rows(OWNER, resource))


def other_than(cluster: Cluster, node: str) -> str:
    """Return the name of another node."""
    return next(name for name in cluster.nodes if name != node)


async def is_ready(cluster: Cluster, name: str) -> bool:
    """Return whether a node says that it is ready."""
    try:
        return (await cluster.client.get(f"{cluster[name].http}/readyz")).status_code == 200
    except httpx.HTTPError:
        return False


async def stands_by(cluster: Cluster, name: str) -> bool:
    """Return whether a node lives and is not ready, because another is active."""
    try:
        alive = await cluster.client.get(f"{cluster[name].http}/healthz")
        ready = await cluster.client.get(f"{cluster[name].http}/readyz")
    except httpx.HTTPError:
        return False
    return (alive.status_code, ready.status_code) == (200, 503) and ready.json()["parts"] == {"node": "failed"}


async def has_waited(cluster: Cluster) -> bool:
    """Return whether each node may take another one over: its connection is older than a lease."""
    return bool((await cluster.rows(LEASES_OF, cluster.lease))[0][0] == len(cluster.nodes))


async def are_linked(cluster: Cluster, at: str = "b") -> bool:
    """Return whether a node is linked with all others."""
    nodes = (await cluster.operator(at, "GET", "/api/admin/nodes")).json()["nodes"]
    return len(nodes) == len(cluster.nodes) and {node["link"] for node in nodes} == {"linked", "this node"}


async def restarted(cluster: Cluster, name: str) -> None:
    """Start a node again that has ended, for the next test."""
    await cluster[name].start()
    await until(lambda: is_ready(cluster, name), f"{name} is ready", 30.0, 0.1)
