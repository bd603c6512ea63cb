"""A node knows the others before anybody can connect to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.store.ports.cluster.nodes import NewNode
from tests.supervisor.harness import Core
from tests.supervisor.store.postgres.cluster.test_nodes import joined

pytestmark = pytest.mark.postgres


async def test_a_node_has_looked_once_when_it_has_started(tmp_path: Path, url: str) -> None:
    a = NewNode(name="a", seat="a", lease_seconds=3600.0, addresses=("203.0.113.2",))
    b = NewNode(name="b", seat="b", lease_seconds=3600.0)
    async with joined(url, a), Core(tmp_path, url=url, node=b, recovering=False) as core:
        await core.elsewhere.start()
        assert [node.name for node in core.elsewhere.cluster.others] == ["a"]
        assert await core.api.nodes.are_elsewhere("203.0.113.2")
