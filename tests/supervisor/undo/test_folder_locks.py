"""Locks on folders that lie in one another: told apart by whole components, and held by one task at a time."""

from __future__ import annotations

import asyncio

import pytest

from supervisor.undo.folder_locks import FolderLocks, related
from tests.slowness import scaled
from tests.waiting import until


@pytest.mark.parametrize(
    ("one", "other", "are"),
    [
        ("/srv/shop", "/srv/shop", True),
        ("/srv/shop", "/srv/shop/api", True),
        ("/srv/shop", "/srv/shop/api/deep", True),
        ("/", "/srv/shop", True),
        ("/", "/", True),
        ("/srv/shop", "/srv/shop-2", False),
        ("/srv/shop", "/srv/other", False),
        ("/srv/shop", "/srv/other/srv/shop", False),
        ("/srv/%", "/srv/shop/api", False),
        ("/srv/s_op", "/srv/shop/api", False),
    ],
)
def test_folders_are_related_where_one_lies_in_the_other(one: str, other: str, are: bool) -> None:
    assert related(one, other) is are
    assert related(other, one) is are


async def _use(locks: FolderLocks, folder: str, used: list[str], go: asyncio.Event) -> None:
    async with locks.locked(folder):
        used.append(folder)
        await go.wait()


@pytest.mark.parametrize("other", ["/srv", "/srv/shop", "/srv/shop/api"])
async def test_a_folder_waits_until_nobody_uses_a_related_one(other: str) -> None:
    locks, used, go = FolderLocks(), list[str](), asyncio.Event()
    async with asyncio.timeout(scaled(20)), asyncio.TaskGroup() as group:
        async with locks.locked("/srv/shop"):
            group.create_task(_use(locks, other, used, go), name="waits")
            group.create_task(_use(locks, "/home", used, go), name="does not")
            await until(lambda: used, "an unrelated one is used at once")
            assert used == ["/home"]
        await until(lambda: len(used) == 2, "it is free")
        go.set()


async def test_of_several_that_wait_one_is_next_and_none_is_forgotten() -> None:
    locks, used, go = FolderLocks(), list[str](), asyncio.Event()
    async with asyncio.timeout(scaled(20)), asyncio.TaskGroup() as group:
        async with locks.locked("/srv"):
            for name in ("/srv/shop", "/srv/shop/api", "/srv"):
                group.create_task(_use(locks, name, used, go), name=name)
            await asyncio.sleep(0)
        await until(lambda: used, "one is next")
        assert used == ["/srv/shop"]
        go.set()
        await until(lambda: len(used) == 3, "all had their turn")


async def test_whoever_waits_no_longer_and_whoever_fails_leave_nothing_in_use() -> None:
    locks = FolderLocks()
    async with locks.locked("/srv"):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), locks.locked("/srv/shop"):
                raise AssertionError("it is in use")
    with pytest.raises(ValueError, match="broken"):
        async with locks.locked("/srv"):
            raise ValueError("broken")
    async with asyncio.timeout(scaled(20)), locks.locked("/srv/shop"):
        pass
