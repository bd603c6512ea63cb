"""The people of conversations at work: whoever asks for those of one gets the same, so all learn at one time."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from supervisor.store.ports.keys import ReferenceStore
from supervisor.store.records.tool_call import Reference
from supervisor.tools.people.people import Known, People


@dataclass(eq=False, slots=True, weakref_slot=True)
class Circle:
    """The people of one conversation.

    Attributes:
        read: the number of the last reference that was read from the store.
        lock: held while new people are learned, or read.
        unsaved: those that were learned and are not stored yet, in that order.
        saving: held while they are stored.
    """

    people: People
    read: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    unsaved: list[Known] = field(default_factory=list)
    saving: asyncio.Lock = field(default_factory=asyncio.Lock)


class PeopleBook:
    """Finds the people of a conversation; they stay in memory as long as somebody holds them.

    Other nodes may learn of more people: who asks for a conversation gets these too, and those who hold it get them
    as soon as this node hears of it.

    Args:
        store: keeps which reference stands for whom; None = no conversation has people.
    """

    def __init__(self, store: ReferenceStore | None = None) -> None:
        self._store = store
        self._circles: WeakValueDictionary[str, Circle] = WeakValueDictionary()

    async def of(self, scope: str) -> Circle:
        """Return the people of a conversation.

        Raises:
            StorageError: they cannot be read.
        """
        # Another caller may read them at the same time.
        circle = self._circles.setdefault(scope, Circle(People()))
        await self._read(scope, circle)
        return circle

    async def look(self, scopes: Collection[str] | None) -> None:
        """Read what other nodes have learned of conversations at work; None = of all of these.

        Raises:
            StorageError: it cannot be read.
        """
        for scope in list(self._circles) if scopes is None else scopes:
            if (circle := self._circles.get(scope)) is not None:
                await self._read(scope, circle)

    def at_work(self, scope: str) -> People | None:
        """Return the people of a conversation without reading them; None = nobody holds them."""
        found = self._circles.get(scope)
        return found.people if found is not None else None

    async def keep(self, scope: str, circle: Circle) -> None:
        """Store the people of a conversation that became known, also those that an earlier attempt could not store.

        Raises:
            StorageError: they were not stored; the next attempt stores them.
        """
        async with circle.saving:
            fresh = list(circle.unsaved)
            if fresh and self._store is not None:
                await self._store.add(scope, [_row(one) for one in fresh])
            del circle.unsaved[: len(fresh)]  # more may have come meanwhile

    async def _read(self, scope: str, circle: Circle) -> None:
        if self._store is None:
            return
        async with circle.lock:
            rows = await self._store.known(scope, after=circle.read)
            circle.people.take(_known(row) for row in rows)
            circle.read = max((row.seq for row in rows), default=circle.read)


def _known(row: Reference) -> Known:
    return Known(reference=row.reference, person=row.person, name=row.name)


def _row(one: Known) -> Reference:
    return Reference(reference=one.reference, person=one.person, name=one.name)
