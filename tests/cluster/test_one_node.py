"""One node of a cluster: it answers, its keys are the cluster's, and after a kill it goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.cluster import CLUSTER_SECRET, PHONES, Cluster, slow
from tests.cluster.invariants import check
from tests.postgres_server import PostgresServer
from tests.slowness import scaled
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.e2e]

RUNNING = "SELECT 1 FROM turns WHERE state = 'running'"


async def test_a_node_that_is_killed_in_a_turn_loses_nothing_and_keeps_no_key_of_its_own(
    tmp_path: Path, server: PostgresServer
) -> None:
    async with Cluster(tmp_path, server, ["a"]) as cluster:
        node = cluster["a"]
        await node.start()
        await cluster.add_people("a")
        await cluster.ask("a", "claude: first", "first")
        assert (await cluster.text("a", slow("second", scaled(6.0))))[0] == 200
        await until(lambda: cluster.rows(RUNNING), "the turn runs")
        await node.kill()
        await node.start()
        await cluster.answer("second")
        await cluster.ask("a", "claude: third", "third")
        states = await check(cluster, "a", accepted=dict.fromkeys(("first", "second", "third"), PHONES["alice"]))
        assert states == {"completed": 3}
        assert not (node.daemon.state / "secrets").exists()
        assert CLUSTER_SECRET not in node.log


async def test_a_node_with_another_secret_than_the_cluster_does_not_start(
    tmp_path: Path, server: PostgresServer
) -> None:
    other = "another secret than that of the cluster"
    async with Cluster(tmp_path, server, ["a", "b"], environments={"b": {"XSWARM_CLUSTER_SECRET": other}}) as cluster:
        await cluster["a"].start()
        ended = await cluster["b"].daemon.fails_to_start()
        assert ended.code != 0
        assert "XSWARM_CLUSTER_SECRET: is another one than all nodes have" in ended.err
        assert "give this node that of the others" in ended.err
        assert other not in ended.out + ended.err
        assert await cluster.rows("SELECT name FROM nodes") == [("a",)]
