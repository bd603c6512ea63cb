"""A node looks who lives, and ends those whose leases are over."""

from __future__ import annotations

import logging

import pytest

from supervisor.cluster.cluster import Cluster
from tests.supervisor.cluster.nodes import FakeNodes, node


async def test_a_look_shows_who_lives() -> None:
    cluster = Cluster(FakeNodes(2, node(1), node(2), node(3)), 2)
    assert not cluster.live
    assert await cluster.look() == ()
    assert [each.epoch for each in cluster.live] == [1, 2, 3]
    assert [each.epoch for each in cluster.others] == [1, 3]


async def test_a_node_whose_lease_is_over_is_ended(caplog: pytest.LogCaptureFixture) -> None:
    store = FakeNodes(2, node(1, "old", left_ms=-1_500), node(2, left_ms=-1), node(3))
    cluster = Cluster(store, 2)
    with caplog.at_level(logging.WARNING):
        assert [each.name for each in await cluster.look()] == ["old"]
    assert store.ended == [1]
    assert [each.epoch for each in cluster.live] == [2, 3]
    assert "node old is dead: its lease ended 1.5 s ago" in caplog.text
