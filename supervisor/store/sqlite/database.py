"""The database file: one writing connection that commits in groups, and readers that only read."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from supervisor.protocol.errors import StorageError
from supervisor.store.listeners import Listeners
from supervisor.store.ports.cluster.notices import Notices
from supervisor.store.sqlite import opening
from supervisor.store.sqlite.backup import in_use, not_in_use
from supervisor.store.sqlite.errors import storage_error
from supervisor.store.sqlite.opening import Connection
from supervisor.store.threads.groups import Failed, Groups
from supervisor.store.transaction import Seal, Transaction

T = TypeVar("T")
ContextT = TypeVar("ContextT")

GATHER_TURNS = 10
"""Turns of the event loop to wait after a group of several writes. Callers often write again right after a commit; this
way 50 writers share one commit instead of two, which costs each of them less. A single writer never waits."""
MOST_EXAMINERS = 4
"""Reads of the whole database at the same time; further ones wait."""


class SqliteDatabase:
    """An open database file.

    Attributes:
        path: of the file.
        epoch: the number of this start; every row that is written carries it.
        listeners: of its commits.
        notices: None, because a file serves one node.
    """

    def __init__(
        self,
        path: Path,
        epoch: int,
        writer: Connection,
        readers: list[Connection],
        seal: Seal,
        *,
        reader_name: str,
        reading: bool = False,
    ) -> None:
        self.path = path
        self.epoch = epoch
        self.seal = seal
        self.reader_name = reader_name
        self._reading = reading
        self._crash: Callable[[str], None] = _no_crash
        self.listeners = Listeners()
        self.notices: Notices | None = None
        self._connections = (*readers, writer)
        self._writer = writer
        self._writes: Groups[sqlite3.Connection, Transaction] = Groups(
            writer,
            self._commit,
            failure=storage_error,
            gather_turns=GATHER_TURNS,
            done=self.listeners.tell,
        )
        self._reads, self._scans = (
            Groups[sqlite3.Connection, sqlite3.Connection](reader, _read, failure=storage_error) for reader in readers
        )
        self._examiners: set[Connection] = set()
        self._may_examine = asyncio.Semaphore(MOST_EXAMINERS)
        self._closed = False

    @classmethod
    async def open(
        cls, path: Path, seal: Seal, crash: Callable[[str], None] | None = None, *, used: bool = False
    ) -> SqliteDatabase:
        """Create or open the file, migrate it to this version, and begin a new epoch.

        A database with rows is copied before it is migrated, see `opening.keep_copy`.

        Args:
            used: whether this database has been used before, so that an empty or missing one is a lost one.

        Raises:
            StorageError: the file cannot be opened or written, or is lost.
            ConfigError: it was written by a newer version, or a released migration was edited.
        """
        name = in_use(path)
        async with _opening(path) as opened:
            opening.create(path, used=used)
            writer = await opening.connect(str(path), opened)
            epoch = await writer.run(lambda connection: opening.prepare(connection, path, used=used))
            readers = [await opening.connect(name, opened) for _ in range(2)]
            for reader in readers:
                await reader.run(opening.prepare_reader)
        database = cls(path, epoch, writer, readers, seal, reader_name=name)
        database._crash = crash or _no_crash
        return database

    @classmethod
    async def open_to_read(cls, path: Path, seal: Seal, *, used: bool = False) -> SqliteDatabase:
        """Open a file that no daemon has open, and change nothing: neither its version nor its epoch; writes fail.

        Raises:
            StorageError: the file cannot be read, or is lost or empty.
        """
        name = not_in_use(path)
        async with _opening(path) as opened:
            opening.find(path, used=used)
            connections = [await opening.connect(name, opened) for _ in range(3)]
            for connection in connections:
                await connection.run(opening.prepare_reader)
            await connections[0].run(lambda connection: opening.refuse_empty(connection, path, used=used))
        writer, *readers = connections
        return cls(path, 0, writer, readers, seal, reader_name=name, reading=True)

    async def write(self, work: Callable[[Transaction], T], orphaned: Callable[[T], None] | None = None) -> T:
        """Do a write in a transaction that it may share with other writes; return after the commit.

        `work` may run twice, if the shared transaction is rolled back: it must change nothing but the database.

        Args:
            orphaned: called with the result if the caller was cancelled meanwhile; the write is done regardless.

        Raises:
            StorageError: the database refused; nothing of this write is stored.
        """
        return await self._writes.do(work, orphaned)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do a quick read: an index leads to few rows."""
        return await self._reads.do(work)

    async def scan(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do a read of many rows of one user or session; it does not block the quick ones."""
        return await self._scans.do(work)

    async def examine(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do a read of the whole database on a connection of its own: it may take minutes, and blocks no other read.

        Raises:
            StorageError: the database cannot be read, or was closed meanwhile.
        """
        opened: list[Connection] = []
        async with self._may_examine:
            if self._closed:
                raise StorageError("the store is closed", lasts=True)
            try:
                examiner = await opening.connect(self.reader_name, opened)
                self._examiners.add(examiner)
                await examiner.run(opening.prepare_reader)
                (outcome,) = await examiner.run(lambda connection: _read(connection, [work]))
            except (sqlite3.Error, OSError) as error:
                raise storage_error(error, self.path) from error
            finally:
                self._examiners.difference_update(opened)
                for connection in opened:
                    await connection.close()
        if isinstance(outcome, Failed):
            raise outcome.error
        return cast(T, outcome)

    async def works(self) -> bool:
        """Return whether the last write was stored. After one that was refused, try a small one that leaves nothing."""
        if not self._writes.works:
            with suppress(StorageError):
                await self.write(_probe)
        return self._writes.works

    async def close(self) -> None:
        """Finish queued work, close the readers, checkpoint, close the writer. May be called twice.

        Raises:
            StorageError: the log could not be merged into the file. It stays beside it, and the next start merges it.
        """
        if self._closed:
            return
        self._closed = True
        for examiner in self._examiners:
            await examiner.interrupt()
        for groups in (self._writes, self._reads, self._scans):
            await groups.close()
        try:
            *readers, writer = self._connections
            for reader in readers:
                await reader.close()
            if not self._reading:
                await writer.run(_checkpoint)
        except sqlite3.Error as error:
            raise storage_error(error, self.path) from error
        finally:
            await self._writer.close()

    def _commit(self, connection: sqlite3.Connection, works: list[Callable[[Transaction], Any]]) -> list[Any]:
        """Run a group in one transaction; if one write fails, run each in a transaction of its own."""
        try:
            return self._transact(connection, works)
        except Exception as error:  # noqa: BLE001 (the retry below finds the write that failed)
            if len(works) == 1:
                return [Failed(storage_error(error))]
        outcomes: list[Any] = []
        for work in works:
            try:
                outcomes += self._transact(connection, [work])
            except Exception as error:  # noqa: BLE001 (it concerns this one only)
                outcomes.append(Failed(storage_error(error)))
        return outcomes

    def _transact(self, connection: sqlite3.Connection, works: list[Callable[[Transaction], Any]]) -> list[Any]:
        transaction = Transaction(connection, self.epoch, self.seal, partial(_numbered, connection))
        began = time.perf_counter()
        try:
            connection.execute("BEGIN IMMEDIATE")
            outcomes = [work(transaction) for work in works]
            transaction.settle()
            for point in transaction.points:
                self._crash(f"{point}.before_commit")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # a full disk may have rolled back already
                connection.execute("ROLLBACK")
            raise
        self.listeners.keep(transaction, time.perf_counter() - began)
        for point in transaction.points:
            self._crash(f"{point}.after_commit")
        return outcomes


@asynccontextmanager
async def _opening(path: Path) -> AsyncIterator[list[Connection]]:
    """Give a list of opened connections; if the block fails, close them, and name the file in the error."""
    opened: list[Connection] = []
    try:
        yield opened
    except BaseException as error:
        for connection in reversed(opened):
            await connection.close()
        if isinstance(error, (sqlite3.Error, OSError)):
            raise storage_error(error, path) from error
        raise


def _no_crash(point: str) -> None:
    """Do nothing at a crash point."""


def _probe(tx: Transaction) -> None:
    """Need room for 64 KB, which a full disk refuses, and write pages, which a read-only or damaged file refuses."""
    tx.execute("CREATE TABLE probe (content BLOB)")
    tx.execute("INSERT INTO probe VALUES (zeroblob(65536))")
    tx.execute("DROP TABLE probe")


def _checkpoint(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _numbered(connection: sqlite3.Connection, sql: str, values: tuple[Any, ...], column: str) -> int:
    """Insert a row; its number is the rowid. RETURNING would fill a table of its own for it."""
    number = connection.execute(sql, values).lastrowid
    assert number is not None, "an INSERT has one"
    return number


def _read(connection: sqlite3.Connection, works: list[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
    outcomes: list[Any] = []
    for work in works:
        try:
            # One view of the data for all statements of a read.
            connection.execute("BEGIN")
            try:
                outcomes.append(work(connection))
            finally:
                connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 (it concerns this one only)
            outcomes.append(Failed(storage_error(error)))
    return outcomes
