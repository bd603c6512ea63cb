"""The SQLite store: every part of the `Store` port over one database file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from supervisor.protocol.errors import InvalidMessage
from supervisor.store.sqlite.backup import back_up, check_integrity
from supervisor.store.sqlite.database import SqliteDatabase
from supervisor.store.sqlite.migrate import compare
from supervisor.store.sqlite.search import SqliteSearch
from supervisor.store.store import SqlStore
from supervisor.store.transaction import Seal


class SqliteStore(SqlStore):
    """A database file, open.

    Attributes:
        path: of the file.
    """

    def __init__(self, database: SqliteDatabase) -> None:
        super().__init__(database, SqliteSearch(database))
        self._file = database
        self.path = database.path

    async def backup(self, path: Path) -> None:
        """Write a consistent, checked copy (0600).

        Raises:
            InvalidMessage: SQLite would take the copy for a file that belongs to the database in use.
            StorageError: it could not be written; nothing is left behind.
        """
        if path.name.startswith(f"{self.path.name}-") and path.parent.resolve() == self.path.parent.resolve():
            raise InvalidMessage("path", f"must not begin with {self.path.name}- in the folder of the database")
        await back_up(self._file.reader_name, path)

    async def check(self) -> list[str]:
        """Check integrity, foreign keys and sums; return a sentence per problem.

        Sums are compared only if the database is sound and has the version of this program.
        """
        problems = await self._file.examine(check_integrity)
        current, newest = await self.versions()
        return problems if problems or current != newest else await self.ledger.disagreements()

    async def versions(self) -> tuple[int, int]:
        """Return the version of the database, and the version to which this program migrates it.

        Raises:
            ConfigError: a newer program wrote it, or a released migration was edited.
        """
        return await self._file.examine(compare)


async def open_to_read(path: Path, *, seal: Seal, used: bool = False) -> SqliteStore:
    """Open a database that no daemon has open, to read it: nothing about it changes, and writes are refused.

    Args:
        seal, used: as of `open_store`.

    Raises:
        StorageError: the file cannot be read, is lost, or does not exist yet.
    """
    return SqliteStore(await SqliteDatabase.open_to_read(path, seal, used=used))


async def open_store(
    path: Path, *, seal: Seal, crash: Callable[[str], None] | None = None, used: bool = False
) -> SqliteStore:
    """Open or create the database at `path`, bring it to this version, and begin a new epoch.

    A database that is migrated is copied to `<path>.version-<version>` first.

    Args:
        used: whether it has been used before, so that a missing or empty file is a lost database.
        seal: makes the MAC of an audit row from the MAC of the row before and the row's content.
        crash: called with "<write>.before_commit" and "<write>.after_commit", in the writer's thread; for tests that
            end the process there. The writes are accept, start, finish, requeue, cancel, session, begin, sent, retry,
            dead, delivered, journal and post.

    Raises:
        StorageError: the file cannot be opened or written, or is lost.
        ConfigError: it was written by a newer version, or a released migration was edited.
    """
    return SqliteStore(await SqliteDatabase.open(path, seal, crash, used=used))
