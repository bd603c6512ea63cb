"""Resources: claimed under the lock of every write, so that one node owns each.

Their table is `places`, its column `place`: older nodes work on it while a cluster is upgraded, so it keeps its names.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from supervisor.store.cluster.nodes import is_dead
from supervisor.store.engine import Database, Reader
from supervisor.store.ports.cluster.resources import OF_CHANNEL
from supervisor.store.transaction import Transaction

_CLAIM = f"""
    INSERT INTO places (place, epoch, since_ms) VALUES (:resource, :epoch, :now_ms)
    ON CONFLICT (place) DO UPDATE SET epoch = excluded.epoch, since_ms = excluded.since_ms
    WHERE places.epoch = excluded.epoch OR {is_dead("places.epoch")}
"""
_RELEASE = "DELETE FROM places WHERE place = ? AND epoch = ?"
# No node has the epoch 0: who claims the channel next asks the provider about them, as about those of a dead node.
_LEAVE_UNKNOWN = "UPDATE outbox SET epoch = 0 WHERE channel = ? AND state = 'sending' AND epoch = ?"
# They were put back because of this node's way to the provider; the next one has another. What it tries at once does
# not count, or each change of hands would bring a reply nearer to its end.
_HASTEN = """
    UPDATE outbox SET not_before_ms = 0, attempts = attempts - 1
    WHERE channel = ? AND state = 'pending' AND attempts > 0
"""
_OTHERS = f"SELECT place FROM places WHERE epoch <> ? AND NOT {is_dead()}"
_OWNER = f"SELECT epoch FROM places WHERE place = ? AND epoch <> ? AND NOT {is_dead()}"


class SqlResources:
    """`ResourceStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, resource: str, *, now_ms: int) -> bool:
        """Claim a resource."""
        values = {"resource": resource, "epoch": self._database.epoch, "now_ms": now_ms}
        return await self._database.write(lambda tx: tx.execute(_CLAIM, values).rowcount > 0)

    async def release(self, resource: str) -> None:
        """Release a resource of this node; that of a channel with its replies."""

        def work(tx: Transaction) -> None:
            if tx.changed(_RELEASE, (resource, tx.epoch)) and resource.startswith(OF_CHANNEL):
                channel = resource.removeprefix(OF_CHANNEL)
                tx.execute(_LEAVE_UNKNOWN, (channel, tx.epoch))
                tx.execute(_HASTEN, (channel,))

        await self._database.write(work)

    async def of_others(self) -> AbstractSet[str]:
        """Return the resources of other nodes that live."""
        values = (self._database.epoch,)
        return await self._database.read(
            lambda connection: {resource for (resource,) in connection.execute(_OTHERS, values)}
        )

    async def owner(self, resource: str) -> int | None:
        """Return the epoch of the other node that owns a resource."""

        def work(connection: Reader) -> int | None:
            row = connection.execute(_OWNER, (resource, self._database.epoch)).fetchone()
            return None if row is None else int(row[0])

        return await self._database.read(work)
