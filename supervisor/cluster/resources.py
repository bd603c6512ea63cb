"""The resources of this node: folders of projects, chats and channels that it alone works on."""

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
from supervisor.store.ports.cluster.resources import OF_CHANNEL, ResourceStore

logger = logging.getLogger(__name__)

IDLE_SECONDS = 30.0
"""After so long without use, a resource is released, in seconds."""


def channel_resource(name: str) -> str:
    """Return the resource of a channel: its owner sends the replies, and asks the provider what there is."""
    return OF_CHANNEL + name


class Resources:
    """Claims resources, keeps them in memory, and releases them when nothing needs them any more.

    What is in memory is true: a resource is lost only with the lease of the node, and then nothing is stored any more.
    A node alone owns every resource.

    Args:
        store: None = this node is alone.
        idle_seconds: see `IDLE_SECONDS`.
        clock: milliseconds UTC.
    """

    def __init__(
        self, store: ResourceStore | None, *, idle_seconds: float = IDLE_SECONDS, clock: Clock = now_ms
    ) -> None:
        self._store = store
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._owned: dict[str, float] = {}
        self._held: Counter[str] = Counter()
        self._others: AbstractSet[str] = frozenset()
        self._claiming: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def is_shared(self) -> bool:
        """Whether other nodes may own resources."""
        return self._store is not None

    def owns(self, resource: str) -> bool:
        """Return whether this node owns a resource; it does for some seconds more, or as long as something needs it."""
        if self._store is None:
            return True
        if resource not in self._owned:
            return False
        self._owned[resource] = monotonic()
        return True

    def owned(self) -> list[str]:
        """Return the resources that this node owns; of one that is alone, none."""
        return list(self._owned)

    def is_of_another(self, resource: str) -> bool:
        """Return whether another node owned a resource when it was last looked at."""
        return resource in self._others

    async def claim(self, resource: str) -> bool:
        """Claim a resource; False = another node owns it.

        Raises:
            StorageError: it is not known.
        """
        if self.owns(resource):
            return True
        assert self._store is not None, "a node alone owns every resource"
        async with self._claiming.setdefault(resource, asyncio.Lock()):
            if self.owns(resource):
                return True
            if await self._store.owner(resource) is not None:  # a read is cheaper, and the answer is mostly this
                return False
            if not await self._store.claim(resource, now_ms=self._clock()):
                return False
            self._owned[resource] = monotonic()
            logger.info("this node owns %s", resource)
        return True

    @contextmanager
    def held(self, resource: str) -> Iterator[None]:
        """Keep a resource of this node as long as a `with` block lasts, however long that is."""
        self._held[resource] += 1
        try:
            yield
        finally:
            self._held[resource] -= 1
            if not self._held[resource]:
                del self._held[resource]
            self.owns(resource)  # its rest begins now

    async def look(self) -> None:
        """Look which resources other nodes own.

        Raises:
            StorageError: the store could not be read.
        """
        if self._store is not None:
            self._others = await self._store.of_others()

    async def release(self, resource: str) -> None:
        """Release a resource, whatever it is used for.

        Raises:
            StorageError: this node owns it in the store still; the next look releases it again.
        """
        if self._store is not None and self._owned.pop(resource, None) is not None:
            try:
                await self._store.release(resource)
            except BaseException:
                self._owned[resource] = monotonic() - self._idle_seconds
                raise
            logger.info("this node has released %s", resource)

    async def release_idle(self, is_needed: Callable[[str], bool], left: Callable[[str], None]) -> None:
        """Release the resources that nothing has used for some time.

        Args:
            is_needed: whether something of a resource is in this process still; asked right before it is released.
            left: is called before a resource is released, so that nothing of it is kept in memory.

        Raises:
            StorageError: one could not be released.
        """
        before = monotonic() - self._idle_seconds
        for resource in list(self._owned):
            used = self._owned.get(resource, inf)  # it may have been used while another one was released
            needed = resource in self._held or resource.startswith(OF_CHANNEL)
            if used <= before and not needed and not is_needed(resource):
                left(resource)
                await self.release(resource)
