"""A dictionary of bounded size: a cache of what this process has seen recently."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class BoundedDict(Generic[K, V]):
    """A mapping that evicts its oldest entry when it has more than `limit` entries.

    It is a cache: after an eviction more work is done, but nothing becomes wrong.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: dict[K, V] = {}

    def __contains__(self, key: K) -> bool:
        return key in self._entries

    def __setitem__(self, key: K, value: V) -> None:
        self._entries.pop(key, None)
        self._entries[key] = value
        if len(self._entries) > self._limit:
            del self._entries[next(iter(self._entries))]

    def get(self, key: K) -> V | None:
        """Return the value of a key; None = there is no entry."""
        return self._entries.get(key)

    def forget(self, key: K) -> None:
        """Remove an entry, if there is one."""
        self._entries.pop(key, None)
