"""A memory that stays small: what this process has seen lately."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A mapping that forgets the oldest entries beyond `limit`; what it saves is work, never correctness."""

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
        """Return the value, or None where the key is not remembered."""
        return self._entries.get(key)

    def forget(self, key: K) -> None:
        """Drop an entry; harmless where there is none."""
        self._entries.pop(key, None)
