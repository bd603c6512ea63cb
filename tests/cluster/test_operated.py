"""A cluster as its operator sees it: which nodes live, one that is drained or fenced, and the links between them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.cluster.cluster import Cluster, ClusterNode, slow
from tests.cluster.invariants import check
from tests.postgres_server import PostgresServer
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.e2e]


@pytest_asyncio.fixture
async def cluster(tmp_path: Path, server: PostgresServer) -> AsyncIterator[Cluster]:
    """Node a is active, node b has joined after it."""
    async with Cluster(tmp_path, server, ["a", "b"]) as cluster:
        await cluster["a"].start()
        await cluster.add_people("a")
        cluster["b"].begin()
        await until(lambda: has_joined(cluster, "b"), "b has joined", 30.0, 0.1)
        yield cluster


async def has_joined(cluster: Cluster, name: str) -> bool:
    return bool(await cluster.rows("SELECT 1 FROM nodes WHERE name = %s", name))


async def listed(node: ClusterNode) -> dict[str, dict[str, Any]]:
    """Return what `xswarm node list` says beside a node."""
    ended = await node.xswarm("node", "list", "--json")
    assert ended.code == 0, ended
    return {one["name"]: one for one in json.loads(ended.out)}


async def test_the_nodes_are_listed_beside_whichever_of_them(cluster: Cluster) -> None:
    for name in ("a", "b"):
        nodes = await listed(cluster[name])
        assert list(nodes) == ["a", "b"]
        assert all(0 < one["lease_ms"] <= cluster.lease * 1000 and not one["draining"] for one in nodes.values())


async def test_a_node_that_is_drained_stops_and_the_other_goes_on(cluster: Cluster) -> None:
    await cluster.ask("a", "claude: first", "first")
    drained = await cluster["b"].xswarm("node", "drain", "a")
    assert "Node a drains" in drained.out, drained
    assert await cluster["a"].daemon.ended() == 0
    assert "this node was drained" in cluster["a"].log
    await until(lambda: cluster["b"].is_ready, "b is ready", 30.0)
    assert list(await listed(cluster["b"])) == ["b"]
    await cluster.ask("b", "claude: second", "second")
    assert (await cluster["b"].xswarm("node", "drain", "a")).code == 4
    assert await check(cluster, "b", accepted={}) == {"completed": 2}


async def test_a_turn_of_a_node_that_drains_is_stopped_from_the_other(tmp_path: Path, server: PostgresServer) -> None:
    async with Cluster(tmp_path, server, ["a", "b"], drain=120.0) as cluster:
        await cluster["a"].start()
        await cluster.add_people("a")
        assert (await cluster.text("a", slow("it was not stopped", 600.0)))[0] == 200
        await until(lambda: cluster.rows("SELECT 1 FROM turns WHERE state = 'running'"), "it runs")
        await cluster["b"].start()
        assert (await cluster["b"].xswarm("node", "drain", "a")).code == 0
        await until(lambda: "stopping: running turns get" in cluster["a"].log, "a drains")
        assert (await cluster.text("b", "ABORT"))[0] == 200
        assert await cluster["a"].daemon.ended() == 0
        assert await cluster.rows("SELECT state FROM turns ORDER BY id LIMIT 1") == [("cancelled",)]


async def test_a_node_that_is_fenced_ends_and_the_other_goes_on_at_once(cluster: Cluster) -> None:
    fenced = await cluster["b"].xswarm("node", "fence", "a")
    assert "Node a is fenced" in fenced.out, fenced
    assert await cluster["a"].daemon.ended() == 75
    await until(lambda: cluster["b"].is_ready, "b is ready", 30.0)
    await cluster.ask("b", "claude: hello", "hello")
    await check(cluster, "b", accepted={})
    trail = await cluster.rows("SELECT event FROM audit WHERE event LIKE 'node.%%'")
    assert ("node.fenced",) in trail


async def test_a_node_that_cannot_renew_its_lease_is_not_ready(cluster: Cluster) -> None:
    await cluster["b"].stop()
    cluster["a"].store.cut()
    await until(lambda: not_ready(cluster, "a"), "a is not ready", 30.0, 0.1)


async def not_ready(cluster: Cluster, at: str) -> bool:
    try:
        response = await cluster.client.get(cluster[at].http + "/readyz")
    except httpx.HTTPError:  # the watchdog was first
        return True
    return response.status_code == 503
