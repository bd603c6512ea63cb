"""One node after the other is drained and started again, while people write: no message fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.invariants import check
from tests.cluster.writing import Writing
from tests.postgres_server import PostgresServer

pytestmark = [pytest.mark.cluster, pytest.mark.e2e]


async def test_nodes_that_are_drained_one_after_the_other_fail_no_message(
    tmp_path: Path, server: PostgresServer
) -> None:
    async with Cluster(tmp_path, server, ["a", "b"], lease=15.0) as cluster:
        await cluster["a"].start()
        await cluster.add_people("a")
        await cluster["b"].start()
        async with Writing(cluster) as writing:
            for name, other in (("a", "b"), ("b", "a")):
                await writing.more()
                drained = await cluster[other].xswarm("node", "drain", name)
                assert drained.code == 0, drained
                assert await cluster[name].daemon.ended() == 0
                await cluster[name].start()
        await writing.answered()
        states = await check(cluster, "a", accepted=writing.sent)
        assert states == {"completed": len(writing.sent)}
