"""Folders that lie in one another: whoever works in one of them works in all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


def related(one: str, other: str) -> bool:
    """Return whether two folders are the same, or one lies in the other; both absolute, symlinks resolved."""
    first, second = _with_slash(one), _with_slash(other)
    return first.startswith(second) or second.startswith(first)


class Folders:
    """Folders that are in use, each by one task alone, with all that lie in it or around it."""

    def __init__(self) -> None:
        self._in_use: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def alone(self, folder: str) -> AsyncIterator[None]:
        """Wait until nobody uses a folder or a related one, and use it. A task that uses one must not ask again."""
        while (
            free := next((event for other, event in self._in_use.items() if related(folder, other)), None)
        ) is not None:
            await free.wait()
        self._in_use[folder] = free = asyncio.Event()
        try:
            yield
        finally:
            del self._in_use[folder]
            free.set()


def _with_slash(folder: str) -> str:
    """Return a folder so that it begins as what lies in it does: "/srv/shop" is no part of "/srv/shop-2"."""
    return folder.rstrip("/") + "/"
