"""Locks on folders. A lock on a folder covers everything below it, and every folder around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


def related(one: str, other: str) -> bool:
    """Return whether two folders are the same, or one lies in the other.

    Args:
        one, other: absolute, symbolic links resolved.
    """
    first, second = _with_slash(one), _with_slash(other)
    return first.startswith(second) or second.startswith(first)


class FolderLocks:
    """The folders that are locked at this moment, each by one task."""

    def __init__(self) -> None:
        self._released: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def locked(self, folder: str) -> AsyncIterator[None]:
        """Lock a folder for a `with` block; wait first until no related folder is locked.

        Not reentrant: a task that holds a lock must not ask for a related one.
        """
        while (
            released := next((event for other, event in self._released.items() if related(folder, other)), None)
        ) is not None:
            await released.wait()
        self._released[folder] = released = asyncio.Event()
        try:
            yield
        finally:
            del self._released[folder]
            released.set()


def _with_slash(folder: str) -> str:
    """Return a folder with a slash at its end, so that "/srv/shop-2" does not count as a part of "/srv/shop"."""
    return folder.rstrip("/") + "/"
