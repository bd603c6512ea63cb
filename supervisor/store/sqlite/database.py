"""The database file: one writing connection that commits in groups, and readers that only read."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections import deque
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import aiosqlite

from supervisor.protocol.errors import StorageError, XswarmError
from supervisor.store.sqlite.migrate import migrate
from supervisor.store.sqlite.transaction import Seal, Transaction

logger = logging.getLogger(__name__)

T = TypeVar("T")
ContextT = TypeVar("ContextT")

MAX_GROUP = 512
"""Writes that share one commit; some 30 ms of work at most."""
GATHER_TURNS = 10
"""Turns of the event loop between a group of several writes and the next: who hears of a commit writes again at once,
and 50 writers then share one instead of two, which costs each of them less. Who writes alone never waits."""
BUSY_TIMEOUT_MS = 5_000
JOURNAL_BYTES = 64 * 1024 * 1024
"""What the write-ahead log is cut back to after a burst."""
CHECKPOINT_PAGES = 4_000
"""16 MB of log between two checkpoints: pages that change with every message are written back once."""
CACHED_STATEMENTS = 512

_PRAGMAS = f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000;"
_WRITER_PRAGMAS = f"""
    {_PRAGMAS} PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
    PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}; PRAGMA journal_size_limit = {JOURNAL_BYTES};
"""
_READER_PRAGMAS = f"{_PRAGMAS} PRAGMA query_only = ON;"
_RAISE_EPOCH = "UPDATE node SET epoch = epoch + 1"
_EPOCH = "SELECT epoch FROM node"


class _Failed:
    """The outcome of a piece of work that raised."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


_Work = tuple[Callable[[ContextT], Any], asyncio.Future[Any], Callable[[Any], None] | None]


class _Connection(aiosqlite.Connection):
    """A connection with a thread of its own that takes one call per group."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._thread.daemon = True  # a process that fails must not wait for it

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Call a function with the connection, in its thread."""
        return cast(T, await self._execute(function, self._conn))  # type: ignore[no-untyped-call]


class _Groups(Generic[ContextT]):
    """Work for one connection, done in groups by a task that no caller's cancellation reaches.

    Args:
        gather_turns: turns of the event loop in which a group that follows one of several may grow.
        done: called in the event loop after each group, behind its callers; it must not raise.
    """

    def __init__(
        self,
        name: str,
        connection: _Connection,
        run: Callable[[sqlite3.Connection, list[Callable[[ContextT], Any]]], list[Any]],
        *,
        gather_turns: int = 0,
        done: Callable[[], None] | None = None,
    ) -> None:
        self._connection = connection
        self._run = run
        self._gather_turns = gather_turns
        self._done = done
        self._waiting: deque[_Work[ContextT]] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._task = asyncio.create_task(self._work(), name=name)

    async def do(self, work: Callable[[ContextT], T], orphaned: Callable[[T], None] | None = None) -> T:
        """Do the work; returns after the group's commit. It is done also when the caller is cancelled meanwhile.

        Args:
            orphaned: then gets the result.
        """
        if self._closing:
            raise StorageError("the store is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, future, orphaned))
        self._wake.set()
        try:
            return await future
        except asyncio.CancelledError:
            # It was done, and the caller cancelled before it heard of that; what is not done is seen to in `_work`.
            if orphaned is not None and not future.cancelled() and future.exception() is None:
                orphaned(future.result())
            raise

    async def close(self) -> None:
        """Finish what is queued."""
        self._closing = True
        self._wake.set()
        await self._task

    async def _work(self) -> None:
        while True:
            while not self._waiting:
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_GROUP))]
            outcomes = await self._outcomes([work for work, _, _ in group])
            for (_, future, orphaned), outcome in zip(group, outcomes, strict=True):
                if future.done():  # its caller was cancelled
                    if orphaned is not None and not isinstance(outcome, _Failed):
                        orphaned(outcome)
                elif isinstance(outcome, _Failed):
                    future.set_exception(outcome.error)
                else:
                    future.set_result(outcome)
            if self._done is not None:
                self._done()
            if len(group) > 1:
                for _ in range(self._gather_turns):
                    await asyncio.sleep(0)

    async def _outcomes(self, works: list[Callable[[ContextT], Any]]) -> list[Any]:
        try:
            return await self._connection.run(lambda connection: self._run(connection, works))
        except Exception as error:  # the task must outlive it, and the callers learn of it
            logger.exception("a group of %d failed as a whole", len(works))
            return [_Failed(_storage_error(error)) for _ in works]


class Database:
    """An open database file.

    Attributes:
        path: of the file.
        epoch: the number of this start; every row that is written carries it.
    """

    def __init__(self, path: Path, epoch: int, writer: _Connection, readers: list[_Connection], seal: Seal) -> None:
        self.path = path
        self.epoch = epoch
        self.seal = seal
        self._crash: Callable[[str], None] = _no_crash
        self._replied: Callable[[AbstractSet[str]], None] = _ignore
        self._channels: set[str] = set()  # written by the writer's thread while a group runs, else by the event loop
        self._connections = (*readers, writer)
        self._writer = writer
        self._writes: _Groups[Transaction] = _Groups(
            "store writer", writer, self._commit, gather_turns=GATHER_TURNS, done=self._tell_of_replies
        )
        self._reads: _Groups[sqlite3.Connection] = _Groups("store reader", readers[0], _read)
        self._scans: _Groups[sqlite3.Connection] = _Groups("store scanner", readers[1], _read)
        self._closed = False

    @classmethod
    async def open(cls, path: Path, seal: Seal, crash: Callable[[str], None] | None = None) -> Database:
        """Create or open the file, bring it to this version, raise the epoch.

        Raises:
            StorageError: the file cannot be opened or written.
            ConfigError: it was written by a newer version, or a released migration was edited.
        """
        opened: list[_Connection] = []
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
                raise _storage_error(error) from error
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
        """Do a write in a transaction that it may share with others; returns after the commit.

        `work` may run twice, the first time rolled back: it changes nothing but the database.

        Args:
            orphaned: gets the result where the caller was cancelled meanwhile; the write is done all the same.

        Raises:
            StorageError: the database refused it; nothing of it was written.
        """
        return await self._writes.do(work, orphaned)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do a quick read (an index leads to few rows)."""
        return await self._reads.do(work)

    async def scan(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do a read that may take long, without holding up the quick ones."""
        return await self._scans.do(work)

    async def close(self) -> None:
        """Finish what is queued, then close the readers, checkpoint and close the writer. May be called twice."""
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
        """Run a group in one transaction; where one of it fails, each in a transaction of its own."""
        try:
            return self._transact(connection, works)
        except Exception as error:  # noqa: BLE001 (whose it is, the callers learn)
            if len(works) == 1:
                return [_Failed(_storage_error(error))]
        outcomes: list[Any] = []
        for work in works:
            try:
                outcomes += self._transact(connection, [work])
            except Exception as error:  # noqa: BLE001 (it concerns this one only)
                outcomes.append(_Failed(_storage_error(error)))
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
    """Let every crash point pass."""


def _ignore(channels: AbstractSet[str]) -> None:
    """Stand for a listener until there is one."""


def _create(path: Path) -> None:
    """Make the folder (0700) and the file (0600); SQLite gives its log files the same mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _read_only(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro"


async def _connect(name: str, opened: list[_Connection]) -> _Connection:
    def connector() -> sqlite3.Connection:
        return sqlite3.connect(
            name, uri=name.startswith("file:"), isolation_level=None, cached_statements=CACHED_STATEMENTS
        )

    connection = _Connection(connector)
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
            outcomes.append(_Failed(_storage_error(error)))
    return outcomes


def _storage_error(error: Exception) -> Exception:
    """Return what the caller gets: an error of ours as it is, one of SQLite or the disk as `StorageError`."""
    if isinstance(error, XswarmError) or not isinstance(error, (sqlite3.Error, OSError)):
        return error
    failure = StorageError(str(error))
    failure.__cause__ = error
    return failure
