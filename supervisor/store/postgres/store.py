"""The PostgreSQL store: every part of the `Store` port over one database of a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from supervisor.protocol.errors import InvalidMessage
from supervisor.store.postgres.checks import UNCHECKED
from supervisor.store.postgres.cluster.nodes import PostgresNodes
from supervisor.store.postgres.database import PostgresDatabase
from supervisor.store.postgres.migrate import versions
from supervisor.store.postgres.opening import Address
from supervisor.store.postgres.search import PostgresSearch
from supervisor.store.store import SqlStore
from supervisor.store.transaction import Seal

__all__ = ["Address", "PostgresStore", "open_postgres"]


class PostgresStore(SqlStore):
    """A database of a server, open."""

    unchecked = UNCHECKED

    def __init__(self, database: PostgresDatabase, address: Address) -> None:
        super().__init__(database, PostgresSearch(database))
        self.notices = database.notices
        self.keeper = address.node.keeper
        self._server = database
        self._leases = PostgresNodes(database, address.node, address.connection)
        self.nodes = self._leases

    async def backup(self, path: Path) -> None:
        """Refuse: PostgreSQL has its own backups.

        Raises:
            InvalidMessage: always; it names what to use instead.
        """
        raise InvalidMessage("path", "the database is in PostgreSQL: use pg_dump, or pg_basebackup with its WAL")

    async def check(self) -> list[str]:
        """Compare the sums; return a sentence per problem. The structure is checked by `pg_amcheck`."""
        current, newest = await self.versions()
        return [] if current != newest else await self.ledger.disagreements()

    async def versions(self) -> tuple[int, int]:
        """Return the version of the database, and the version to which this program migrates it.

        Raises:
            ConfigError: a newer program wrote it, or a released migration was edited.
        """
        return await self._server.examine(versions)

    async def close(self) -> None:
        """Finish what is queued, leave the nodes, close. May be called twice."""
        await super().close()
        await self._leases.leave()


async def open_postgres(
    address: Address, *, seal: Seal, crash: Callable[[str], None] | None = None, used: bool = False
) -> PostgresStore:
    """Open a database, bring it to this version, begin a new epoch, and join its nodes.

    Args:
        seal, crash, used: as of `open_store`.

    Raises:
        StorageError: the server cannot be reached, or the database is lost.
        ConfigError: the server is not fit, a newer version wrote the database, or other nodes are in the way.
    """
    return PostgresStore(await PostgresDatabase.open(address, seal, crash, used=used), address)
