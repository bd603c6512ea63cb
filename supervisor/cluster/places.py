"""The places of this node: folders of projects, chats and channels that it alone works on."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from math import inf
from time import monotonic
from weakref import WeakValueDictionary

from supervisor.protocol.times import Clock, now_ms
from supervisor.store.ports.cluster.places import OF_CHANNEL, PlaceStore

logger = logging.getLogger(__name__)

IDLE_SECONDS = 30.0
"""After so long without use, a place is given up, in seconds."""


def channel_place(name: str) -> str:
    """Return the place of a channel: its owner sends the replies, and asks the provider what there is."""
    return OF_CHANNEL + name


class Places:
    """Claims places, keeps them in memory, and gives them up when nothing needs them any more.

    What is in memory is true: a place is lost only with the lease of the node, and then nothing is stored any more. A
    node alone owns every place.

    Args:
        store: None = this node is alone.
        idle_seconds: see `IDLE_SECONDS`.
        clock: milliseconds UTC.
    """

    def __init__(self, store: PlaceStore | None, *, idle_seconds: float = IDLE_SECONDS, clock: Clock = now_ms) -> None:
        self._store = store
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._owned: dict[str, float] = {}
        self._held: Counter[str] = Counter()
        self._others: AbstractSet[str] = frozenset()
        self._claiming: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def is_shared(self) -> bool:
        """Whether other nodes may own places."""
        return self._store is not None

    def owns(self, place: str) -> bool:
        """Return whether a place is this node's; it stays so for some seconds, or as long as something needs it."""
        if self._store is None:
            return True
        if place not in self._owned:
            return False
        self._owned[place] = monotonic()
        return True

    def owned(self) -> list[str]:
        """Return the places of this node; of one that is alone, none."""
        return list(self._owned)

    def is_of_another(self, place: str) -> bool:
        """Return whether another node owned a place when it was last looked at."""
        return place in self._others

    async def claim(self, place: str) -> bool:
        """Make a place this node's; False = it is another one's.

        Raises:
            StorageError: it is not known.
        """
        if self.owns(place):
            return True
        assert self._store is not None, "a node alone owns every place"
        async with self._claiming.setdefault(place, asyncio.Lock()):
            if self.owns(place):
                return True
            if await self._store.owner(place) is not None:  # a read is cheaper, and the answer is mostly this
                return False
            if not await self._store.claim(place, now_ms=self._clock()):
                return False
            self._owned[place] = monotonic()
            logger.info("this node owns %s", place)
        return True

    @contextmanager
    def held(self, place: str) -> Iterator[None]:
        """Keep a place of this node as long as a `with` block lasts, however long that is."""
        self._held[place] += 1
        try:
            yield
        finally:
            self._held[place] -= 1
            if not self._held[place]:
                del self._held[place]
            self.owns(place)  # its rest begins now

    async def look(self) -> None:
        """Look which places are other nodes'.

        Raises:
            StorageError: the store could not be read.
        """
        if self._store is not None:
            self._others = await self._store.of_others()

    async def release(self, place: str) -> None:
        """Give a place up, whatever it is used for.

        Raises:
            StorageError: it is this node's in the store still; the next look gives it up again.
        """
        if self._store is not None and self._owned.pop(place, None) is not None:
            try:
                await self._store.release(place)
            except BaseException:
                self._owned[place] = monotonic() - self._idle_seconds
                raise
            logger.info("this node gives up %s", place)

    async def release_idle(self, is_needed: Callable[[str], bool], left: Callable[[str], None]) -> None:
        """Give the places up that nothing has used for some time.

        Args:
            is_needed: whether something of a place is in this process still; asked right before it is given up.
            left: is called before a place is given up, so that nothing of it is kept in memory.

        Raises:
            StorageError: one could not be given up.
        """
        before = monotonic() - self._idle_seconds
        for place in list(self._owned):
            used = self._owned.get(place, inf)  # it may have been used while another one was given up
            needed = place in self._held or place.startswith(OF_CHANNEL)
            if used <= before and not needed and not is_needed(place):
                left(place)
                await self.release(place)
