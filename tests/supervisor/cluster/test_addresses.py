"""An address of another node's machine is known in every form; one of this machine is not elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supervisor.cluster.addresses import NodeAddresses
from supervisor.cluster.cluster import Cluster
from supervisor.protocol.times import DAY_MS
from tests.supervisor.cluster.nodes import FakeNodes, node

HERE = replace(node(1, "a"), addresses=("203.0.113.1", "172.17.0.1"))
THERE = replace(node(2, "b"), addresses=("203.0.113.2", "fd00:9::2", "127.0.0.1"), url="ws://198.51.100.2:9900")
OLDER = replace(node(3, "c"), url="ws://c.example.org:9900")


@pytest.mark.parametrize(
    ("host", "elsewhere"),
    [
        ("203.0.113.2", True),
        ("::ffff:203.0.113.2", True),
        ("FD00:9::0:2", True),
        ("fd00:9::2%eth0", True),
        ("198.51.100.2", True),
        ("203.0.113.1", False),
        ("203.0.113.3", False),
        ("127.0.0.1", False),
        ("c.example.org", False),
        ("testclient", False),
        ("", False),
    ],
)
async def test_an_address_of_another_node_is_elsewhere(host: str, elsewhere: bool) -> None:
    cluster = Cluster(FakeNodes(1, HERE, THERE, OLDER), 1)
    addresses = NodeAddresses(cluster)
    assert not await addresses.are_elsewhere(host), "before the first look nobody is known"
    await cluster.look()
    assert await addresses.are_elsewhere(host) is elsewhere


async def test_a_machine_is_known_for_a_day_after_its_node_is_gone() -> None:
    now = 0
    nodes = FakeNodes(1, HERE, THERE)
    cluster = Cluster(nodes, 1, clock=lambda: now)
    addresses = NodeAddresses(cluster)
    await cluster.look()
    nodes.nodes.remove(THERE)
    for later, elsewhere in ((DAY_MS - 1, True), (DAY_MS, False)):
        now = later
        await cluster.look()
        assert await addresses.are_elsewhere("203.0.113.2") is elsewhere
