"""One node of a cluster: it answers, its keys are the cluster's, and after a kill it goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.cluster import CLUSTER_SECRET, PHONES, Cluster, slow
from tests.cluster.invariants import check
from tests.postgres_server import PostgresServer
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
        assert (await cluster.text("a", slow("second", 3.0)))[0] == 200
        await until(lambda: cluster.rows(RUNNING), "the turn runs")
        await node.kill()
        await node.start()
        await cluster.answer("second")
        await cluster.ask("a", "claude: third", "third")
        states = await check(cluster, "a", accepted=dict.fromkeys(("first", "second", "third"), PHONES["alice"]))
        assert states == {"completed": 3}
        assert not (node.daemon.state / "secrets").exists()
        assert CLUSTER_SECRET not in node.log
