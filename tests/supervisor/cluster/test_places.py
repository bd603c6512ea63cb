"""The places of a node: claimed, kept while they are used, given up when nothing needs them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet

import pytest

from supervisor.cluster.places import Places, channel_place
from supervisor.protocol.errors import StorageError
from supervisor.store.ports.cluster.places import PlaceStore


class MemoryPlaces(PlaceStore):
    """Places of two nodes, in memory.

    Attributes:
        rows: the epoch that owns each place; this node's is 1.
        claims: how many claims were written.
        meanwhile: is called while a place is given up.
    """

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.claims = 0
        self.broken = False
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def claim(self, place: str, *, now_ms: int) -> bool:
        self.claims += 1
        return self.rows.setdefault(place, 1) == 1

    async def release(self, place: str) -> None:
        if self.broken:
            raise StorageError("away")
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.rows.get(place) == 1:
            del self.rows[place]

    async def of_others(self) -> AbstractSet[str]:
        return {place for place, epoch in self.rows.items() if epoch != 1}

    async def owner(self, place: str) -> int | None:
        epoch = self.rows.get(place)
        return None if epoch == 1 else epoch


async def test_a_node_alone_owns_everything_and_keeps_nothing() -> None:
    places = Places(None)
    assert places.owns("project/shop")
    assert await places.claim("project/shop")
    await places.look()
    await places.release("project/shop")
    assert places.owned() == []
    assert not places.is_of_another("project/shop")


async def test_a_place_is_claimed_once_and_that_of_another_costs_no_write() -> None:
    store = MemoryPlaces()
    places = Places(store)
    assert not places.owns("project/shop")
    assert await places.claim("project/shop")
    assert await places.claim("project/shop")
    assert places.owns("project/shop")
    store.rows["project/barn"] = 2
    assert not await places.claim("project/barn")
    assert store.claims == 1
    assert not places.is_of_another("project/barn")
    await places.look()
    assert places.is_of_another("project/barn")


async def test_what_is_idle_and_needed_by_nothing_is_given_up() -> None:
    store = MemoryPlaces()
    places = Places(store, idle_seconds=0.0)
    for name in ("project/shop", "project/barn", channel_place("sms")):
        assert await places.claim(name)
    left: list[str] = []
    await places.release_idle(lambda place: place == "project/barn", left.append)
    assert left == ["project/shop"]
    assert sorted(store.rows) == ["channel/sms", "project/barn"]
    assert not places.owns("project/shop")
    assert places.owns("project/barn")


async def test_what_was_used_lately_is_kept() -> None:
    places = Places(MemoryPlaces(), idle_seconds=3600)
    assert await places.claim("project/shop")
    await places.release_idle(lambda _: False, lambda _: None)
    assert places.owns("project/shop")


async def test_a_place_that_could_not_be_given_up_is_given_up_by_the_next_look() -> None:
    store = MemoryPlaces()
    places = Places(store, idle_seconds=0.0)
    assert await places.claim("project/shop")
    store.broken = True
    with pytest.raises(StorageError):
        await places.release_idle(lambda _: False, lambda _: None)
    assert places.owned() == ["project/shop"]
    store.broken = False
    await places.release_idle(lambda _: False, lambda _: None)
    assert places.owned() == []
    assert store.rows == {}


async def test_a_place_that_is_used_while_another_is_given_up_is_kept() -> None:
    store = MemoryPlaces()
    places = Places(store, idle_seconds=0.0)
    for name in ("project/shop", "project/barn", "project/mill"):
        assert await places.claim(name)

    async def meanwhile() -> None:
        store.meanwhile = None
        assert places.owns("project/barn")
        await places.release("project/mill")

    store.meanwhile = meanwhile
    await places.release_idle(lambda _: False, lambda _: None)
    assert places.owned() == ["project/barn"]
    assert sorted(store.rows) == ["project/barn"]
