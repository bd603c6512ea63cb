"""The resources of a node: claimed, kept while they are used, released when nothing needs them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet

import pytest

from supervisor.cluster.resources import Resources, channel_resource
from supervisor.protocol.errors import StorageError
from supervisor.store.ports.cluster.resources import ResourceStore


class MemoryResources(ResourceStore):
    """Resources of two nodes, in memory.

    Attributes:
        rows: the epoch that owns each resource; this node's is 1.
        claims: how many claims were written.
        meanwhile: is called while a resource is released.
    """

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.claims = 0
        self.broken = False
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def claim(self, resource: str, *, now_ms: int) -> bool:
        self.claims += 1
        return self.rows.setdefault(resource, 1) == 1

    async def release(self, resource: str) -> None:
        if self.broken:
            raise StorageError("away")
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.rows.get(resource) == 1:
            del self.rows[resource]

    async def of_others(self) -> AbstractSet[str]:
        return {resource for resource, epoch in self.rows.items() if epoch != 1}

    async def owner(self, resource: str) -> int | None:
        epoch = self.rows.get(resource)
        return None if epoch == 1 else epoch


async def test_a_node_alone_owns_everything_and_keeps_nothing() -> None:
    resources = Resources(None)
    assert resources.owns("project/shop")
    assert await resources.claim("project/shop")
    await resources.look()
    await resources.release("project/shop")
    assert resources.owned() == []
    assert not resources.is_of_another("project/shop")


async def test_a_resource_is_claimed_once_and_that_of_another_costs_no_write() -> None:
    store = MemoryResources()
    resources = Resources(store)
    assert not resources.owns("project/shop")
    assert await resources.claim("project/shop")
    assert await resources.claim("project/shop")
    assert resources.owns("project/shop")
    store.rows["project/barn"] = 2
    assert not await resources.claim("project/barn")
    assert store.claims == 1
    assert not resources.is_of_another("project/barn")
    await resources.look()
    assert resources.is_of_another("project/barn")


async def test_what_is_idle_and_needed_by_nothing_is_released() -> None:
    store = MemoryResources()
    resources = Resources(store, idle_seconds=0.0)
    for name in ("project/shop", "project/barn", channel_resource("sms")):
        assert await resources.claim(name)
    left: list[str] = []
    await resources.release_idle(lambda resource: resource == "project/barn", left.append)
    assert left == ["project/shop"]
    assert sorted(store.rows) == ["channel/sms", "project/barn"]
    assert not resources.owns("project/shop")
    assert resources.owns("project/barn")


async def test_what_was_used_lately_is_kept() -> None:
    resources = Resources(MemoryResources(), idle_seconds=3600)
    assert await resources.claim("project/shop")
    await resources.release_idle(lambda _: False, lambda _: None)
    assert resources.owns("project/shop")


async def test_a_resource_that_could_not_be_released_is_released_by_the_next_look() -> None:
    store = MemoryResources()
    resources = Resources(store, idle_seconds=0.0)
    assert await resources.claim("project/shop")
    store.broken = True
    with pytest.raises(StorageError):
        await resources.release_idle(lambda _: False, lambda _: None)
    assert resources.owned() == ["project/shop"]
    store.broken = False
    await resources.release_idle(lambda _: False, lambda _: None)
    assert resources.owned() == []
    assert store.rows == {}


async def test_a_resource_that_is_used_while_another_is_released_is_kept() -> None:
    store = MemoryResources()
    resources = Resources(store, idle_seconds=0.0)
    for name in ("project/shop", "project/barn", "project/mill"):
        assert await resources.claim(name)

    async def meanwhile() -> None:
        store.meanwhile = None
        assert resources.owns("project/barn")
        await resources.release("project/mill")

    store.meanwhile = meanwhile
    await resources.release_idle(lambda _: False, lambda _: None)
    assert resources.owned() == ["project/barn"]
    assert sorted(store.rows) == ["project/barn"]
