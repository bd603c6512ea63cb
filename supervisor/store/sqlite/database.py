"""The database file: one writing connection that commits in groups, and readers that only read."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from supervisor.protocol.errors import StorageError
from supervisor.store.sqlite.groups import Connection, Failed, Groups, storage_error
from supervisor.store.sqlite.migrate import migrate
from supervisor.store.sqlite.transaction import Seal, Transaction

logger = logging.getLogger(__name__)

T = TypeVar("T")
ContextT = TypeVar("ContextT")

GATHER_TURNS = 10
"""Turns of the event loop to wait after a group of several writes. Callers often write again right after a commit; this
way 50 writers share one commit instead of two, which costs each of them less. A single writer never waits."""
BUSY_TIMEOUT_MS = 5_000
JOURNAL_BYTES = 64 * 1024 * 1024
"""Size to which the write-ahead log is truncated after a burst."""
CHECKPOINT_PAGES = 4_000
"""16 MB of log between two checkpoints, so that pages that change with every message are written back once."""
CACHED_STATEMENTS = 512

_PRAGMAS = f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000;"
_WRITER_PRAGMAS = f"""
    {_PRAGMAS} PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
    PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}; PRAGMA journal_size_limit = {JOURNAL_BYTES};
"""
_READER_PRAGMAS = f"{_PRAGMAS} PRAGMA query_only = ON;"
_RAISE_EPOCH = "UPDATE node SET epoch = epoch + 1"
_EPOCH = "SELECT epoch FROM node"


class Database:
    """An open database file.

    Attributes:
        path: of the file.
        epoch: the number of this start; every row that is written carries it.
    """

    def __init__(self, path: Path, epoch: int, writer: Connection, readers: list[Connection], seal: Seal) -> None:
        self.path = path
        self.epoch = epoch
        self.seal = seal
        self._crash: Callable[[str], None] = _no_crash
        self._replied: Callable[[AbstractSet[str]], None] = _ignore
        self._channels: set[str] = set()  # written by the writer's thread while a group runs, else by the event loop
        self._connections = (*readers, writer)
        self._writer = writer
        self._writes: Groups[Transaction] = Groups(
            "store writer", writer, self._commit, gather_turns=GATHER_TURNS, done=self._tell_of_replies
        )
        self._reads: Groups[sqlite3.Connection] = Groups("store reader", readers[0], _read)
        self._scans: Groups[sqlite3.Connection] = Groups("store scanner", readers[1], _read)
        self._closed = False

    @classmethod
    async def open(cls, path: Path, seal: Seal, crash: Callable[[str], None] | None = None) -> Database:
        """Create or open the file, migrate it to this version, and begin a new epoch.

        Raises:
            StorageError: the file cannot be opened or written.
            ConfigError: it was written by a newer version, or a released migration was edited.
        """
        opened: list[Connection] = []
        try:
            _create(path)
            writer = await _connect(str(path), opened)
            epoch = await writer.run(_prepare)
            readers = [await _connect(_read_only(path), opened) for _ in range(2)]
            for reader in readers:
                await reader.run(_prepare_reader)
        except BaseException as error:
            for connection in reversed(opened):
                await connection.close()
            if isinstance(error, (sqlite3.Error, OSError)):
                raise storage_error(error) from error
            raise
        database = cls(path, epoch, writer, readers, seal)
        database._crash = crash or _no_crash
        return database

    def on_replies(self, listener: Callable[[AbstractSet[str]], None]) -> None:
        """Call `listener` in the event loop after each commit that left replies to deliver, with their channels.

        It replaces the listener before, and must not raise.
        """
        self._replied = listener

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
        """Do a read that may take long; it does not block the quick ones."""
        return await self._scans.do(work)

    async def works(self) -> bool:
        """Return whether the last write was stored. After one that was refused, try a small one that leaves nothing."""
        if not self._writes.works:
            with suppress(StorageError):
                await self.write(_probe)
        return self._writes.works

    async def close(self) -> None:
        """Finish queued work, close the readers, checkpoint, close the writer. May be called twice."""
        if self._closed:
            return
        self._closed = True
        for groups in (self._writes, self._reads, self._scans):
            await groups.close()
        try:
            *readers, writer = self._connections
            for reader in readers:
                await reader.close()
            await writer.run(_checkpoint)
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
        transaction = Transaction(connection, self.epoch, self.seal)
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
        self._channels |= transaction.channels
        for point in transaction.points:
            self._crash(f"{point}.after_commit")
        return outcomes

    def _tell_of_replies(self) -> None:
        if self._channels:
            channels, self._channels = self._channels, set()
            self._replied(channels)


def _no_crash(point: str) -> None:
    """Do nothing at a crash point."""


def _ignore(channels: AbstractSet[str]) -> None:
    """Do nothing; stands in until there is a listener."""


def _probe(tx: Transaction) -> None:
    """Need room for 64 KB, which a full disk refuses, and write pages, which a read-only or damaged file refuses."""
    tx.execute("CREATE TABLE probe (content BLOB)")
    tx.execute("INSERT INTO probe VALUES (zeroblob(65536))")
    tx.execute("DROP TABLE probe")


def _create(path: Path) -> None:
    """Make the folder (0700) and the file (0600); SQLite gives its log files the same mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _read_only(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro"


async def _connect(name: str, opened: list[Connection]) -> Connection:
    def connector() -> sqlite3.Connection:
        return sqlite3.connect(
            name, uri=name.startswith("file:"), isolation_level=None, cached_statements=CACHED_STATEMENTS
        )

    connection = Connection(connector)
    await connection
    opened.append(connection)
    return connection


def _prepare(connection: sqlite3.Connection) -> int:
    connection.executescript(_WRITER_PRAGMAS)
    migrate(connection)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(_RAISE_EPOCH)
    epoch: int = connection.execute(_EPOCH).fetchone()[0]
    connection.execute("COMMIT")
    return epoch


def _prepare_reader(connection: sqlite3.Connection) -> None:
    connection.executescript(_READER_PRAGMAS)


def _checkpoint(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


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
