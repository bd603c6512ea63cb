"""Of the nodes that live, the one that joined first is active; the others wait."""

from __future__ import annotations

import asyncio

import pytest

from supervisor.cluster.cluster import Cluster
from supervisor.cluster.standby import wait_for_turn
from supervisor.store.ports.cluster.nodes import Fenced, Node
from tests.supervisor.cluster.nodes import FakeNodes, node
from tests.waiting import until


class Told:
    """Whom a node that stands by has been told of."""

    def __init__(self) -> None:
        self.names: list[str] = []

    async def __call__(self, active: Node) -> None:
        self.names.append(active.name)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often."""
    monkeypatch.setattr("supervisor.cluster.standby.LOOK_SECONDS", 0.01)


async def test_the_first_node_need_not_wait() -> None:
    told = Told()
    assert await wait_for_turn(Cluster(FakeNodes(1, node(1), node(2)), 1), asyncio.Event(), told)
    assert told.names == []


async def test_a_node_takes_over_when_those_before_it_are_gone() -> None:
    store, told = FakeNodes(3, node(1), node(2), node(3)), Told()
    waiting = asyncio.create_task(wait_for_turn(Cluster(store, 3), asyncio.Event(), told))
    await until(lambda: told.names == ["n1"], "it stands by")
    store.nodes = [node(1, left_ms=-5), node(2), node(3)]
    await until(lambda: told.names == ["n1", "n2"], "it stands by for the next one")
    store.away = True
    store.nodes = [node(2, left_ms=-5), node(3)]
    store.away = False
    assert await waiting
    assert store.ended == [1, 2]


async def test_a_node_that_is_to_stop_waits_no_longer() -> None:
    stop, told = asyncio.Event(), Told()
    waiting = asyncio.create_task(wait_for_turn(Cluster(FakeNodes(2, node(1), node(2)), 2), stop, told))
    await until(lambda: told.names, "it stands by")
    stop.set()
    assert not await waiting


async def test_a_database_that_is_away_is_waited_for() -> None:
    store = FakeNodes(1, node(1))
    store.away = True
    waiting = asyncio.create_task(wait_for_turn(Cluster(store, 1), asyncio.Event(), Told()))
    await asyncio.sleep(0)
    store.away = False
    assert await waiting


async def test_a_node_that_does_not_live_takes_nothing_over() -> None:
    with pytest.raises(Fenced):
        await wait_for_turn(Cluster(FakeNodes(1, node(2)), 1), asyncio.Event(), Told())
