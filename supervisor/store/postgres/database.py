"""The database in PostgreSQL: one writing connection that commits in groups, and readers that only read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar, cast

import psycopg

from supervisor.protocol.errors import StorageError
from supervisor.store.listeners import Listeners
from supervisor.store.ports.cluster.nodes import Fenced
from supervisor.store.ports.cluster.notices import Notice, Topic
from supervisor.store.postgres.cluster.lock import patiently, prepare_writer
from supervisor.store.postgres.cluster.nodes import fence
from supervisor.store.postgres.cluster.standing import WRITE_LOCK
from supervisor.store.postgres.connection import PgConnection
from supervisor.store.postgres.errors import storage_error
from supervisor.store.postgres.notices import PostgresNotices, notify
from supervisor.store.postgres.opening import Address, prepared
from supervisor.store.postgres.thread import PgThread
from supervisor.store.threads.groups import Failed, Groups
from supervisor.store.transaction import Reader, Row, Seal, Transaction

T = TypeVar("T")

GATHER_TURNS = 10
"""Turns of the event loop to wait after a group of several writes, as for SQLite."""
MOST_IN_GROUP = 64
"""Writes in one transaction: nobody holds the write lock for long."""
MOST_EXAMINERS = 4
"""Reads of the whole database at the same time; further ones wait."""
ASKING_SECONDS = 0.2
"""Pause between two questions what became of a commit whose answer was lost."""

# READ COMMITTED: after the lock, each statement sees what its last holder committed, the look at the node too.
_BEGIN = f"BEGIN; SELECT pg_advisory_xact_lock({WRITE_LOCK})"
_BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# Tells whether a commit was stored. `pg_xact_status` does not: a server that crashes may give the number away again.
_MARK = """
    INSERT INTO marks (name, value) VALUES ('commit {epoch}', {number})
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""
_MARKED = "SELECT value FROM marks WHERE name = 'commit {epoch}'"
_ANSWERS = "SELECT 1"
_PROBE = (
    "CREATE TABLE probe (content TEXT)",
    "INSERT INTO probe SELECT string_agg(md5(random()::TEXT), '') FROM generate_series(1, 4096)",
    "DROP TABLE probe",
)
"""Needs room for 64 KB or more, which a full disk refuses, and leaves nothing."""


class PostgresDatabase:
    """An open database.

    Attributes:
        epoch: the number of this start; every row that is written carries it.
        listeners: of its commits.
        fenced: called in the event loop each time that a write was refused as `Fenced`.
        notices: what other nodes have committed.
    """

    def __init__(self, address: Address, epoch: int, writer: PgThread, seal: Seal) -> None:
        self.epoch = epoch
        self.seal = seal
        self.fenced: Callable[[], None] = _nobody
        self._address = address
        self._begin = f"{_BEGIN}; {fence(epoch)}"
        self._number = 0
        self._loop = asyncio.get_running_loop()
        self._crash: Callable[[str], None] = _no_crash
        self.listeners = Listeners()
        self.notices = PostgresNotices(address, epoch)
        readers = [PgThread(name, address.reader) for name in ("xswarm reader", "xswarm scanner")]
        self._threads = (*readers, writer)
        self._writes: Groups[PgThread, Transaction] = Groups(
            writer,
            self._commit,
            failure=storage_error,
            most=MOST_IN_GROUP,
            gather_turns=GATHER_TURNS,
            done=self.listeners.tell,
        )
        self._reads, self._scans = (
            Groups[PgThread, Reader](reader, _read, failure=storage_error) for reader in readers
        )
        self._examiners: set[PgThread] = set()
        self._may_examine = asyncio.Semaphore(MOST_EXAMINERS)
        self._closed = False

    @classmethod
    async def open(
        cls, address: Address, seal: Seal, crash: Callable[[str], None] | None = None, *, used: bool = False
    ) -> PostgresDatabase:
        """Connect, check the server, migrate the database to this version, begin a new epoch, and join the nodes.

        Args:
            used: whether this database has been used before, so that an empty one is a lost one.

        Raises:
            StorageError: the server cannot be reached, or the database is lost.
            ConfigError: the server is not fit, a newer version wrote the database, or other nodes are in the way.
        """
        writer = PgThread("xswarm writer", address.connection)
        try:
            epoch = await writer.run(lambda thread: prepared(thread.connection(), address, used=used))
        except BaseException as error:
            await writer.close()
            if isinstance(error, (psycopg.Error, OSError)):
                raise storage_error(error) from error
            raise
        await writer.run(lambda thread: thread.prepare(lambda connection: prepare_writer(connection, epoch)))
        database = cls(address, epoch, writer, seal)
        database._crash = crash or _no_crash
        return database

    async def write(self, work: Callable[[Transaction], T], orphaned: Callable[[T], None] | None = None) -> T:
        """Do a write in a transaction that it may share with other writes; return after the commit.

        Raises:
            Fenced: another node has taken over; nothing is stored.
        """
        try:
            return await self._writes.do(work, orphaned)
        except Fenced:
            self.fenced()
            raise

    async def read(self, work: Callable[[Reader], T]) -> T:
        """Do a quick read: an index leads to few rows."""
        return await self._reads.do(work)

    async def scan(self, work: Callable[[Reader], T]) -> T:
        """Do a read of many rows of one user or session; it does not block the quick ones."""
        return await self._scans.do(work)

    async def examine(self, work: Callable[[Reader], T]) -> T:
        """Do a read of the whole database on a connection of its own: it may take minutes, and blocks no other read."""
        async with self._may_examine:
            if self._closed:
                raise StorageError("the store is closed", lasts=True)
            examiner = PgThread("xswarm examiner", self._address.reader)
            self._examiners.add(examiner)
            try:
                (outcome,) = await examiner.run(lambda thread: _read(thread, [work]))
            finally:
                self._examiners.discard(examiner)
                await examiner.close()
        if isinstance(outcome, Failed):
            raise outcome.error
        return cast(T, outcome)

    async def works(self) -> bool:
        """Return whether the server answers, and stores what is written; after a refusal a write is tried."""
        try:
            await self.read(lambda connection: connection.execute(_ANSWERS).fetchone())
        except StorageError:
            return False
        if not self._writes.works:
            with suppress(StorageError):
                await self.write(_probe)
        return self._writes.works

    async def close(self) -> None:
        """Finish queued work and close the connections. May be called twice."""
        if self._closed:
            return
        self._closed = True
        for examiner in self._examiners:
            await asyncio.to_thread(examiner.cancel)
        await self.notices.close()
        for groups in (self._writes, self._reads, self._scans):
            await groups.close()
        for thread in self._threads:
            await thread.close()

    def _commit(self, thread: PgThread, works: list[Callable[[Transaction], Any]]) -> list[Any]:
        """Run a group in one transaction; if one write fails, run each in a transaction of its own."""
        try:
            return self._transact(thread, works)
        except (CommitUnknown, Fenced) as error:
            return [Failed(error) for _ in works]  # none may run again: they may be stored, or never will be
        except Exception as error:  # noqa: BLE001 (the retry below finds the write that failed)
            if len(works) == 1 or _is_away(thread, error):
                return [Failed(storage_error(error)) for _ in works]
        outcomes: list[Any] = []
        for work in works:
            try:
                outcomes += self._transact(thread, [work])
            except Exception as error:  # noqa: BLE001 (it concerns this one only, while the server is there)
                outcomes.append(Failed(storage_error(error)))
                if len(outcomes) < len(works) and _is_away(thread, error):
                    return outcomes + [outcomes[-1]] * (len(works) - len(outcomes))
        return outcomes

    def _transact(self, thread: PgThread, works: list[Callable[[Transaction], Any]]) -> list[Any]:
        start = time.perf_counter()
        self._number += 1
        mark = _MARK.format(epoch=self.epoch, number=self._number)
        begin = f"{self._begin}; {mark}"
        connection, began = patiently(lambda: _begun(thread, begin), thread.connection)
        assert began is not None, "it has a row"
        (lives,) = began
        transaction = Transaction(connection, self.epoch, self.seal, connection.insert_numbered)
        try:
            if not lives and self._address.fenced:
                raise Fenced
            outcomes = [work(transaction) for work in works]
            transaction.settle()
            replies = [Notice(Topic.REPLIES, channel) for channel in sorted(transaction.channels)]
            notify(connection, self.epoch, [*transaction.notices, *replies])
            for point in transaction.points:
                self._crash(f"{point}.before_commit")
        except BaseException:
            _roll_back(connection)
            raise
        self._end(thread, connection)
        self.listeners.keep(transaction, time.perf_counter() - start)
        for point in transaction.points:
            self._crash(f"{point}.after_commit")
        return outcomes

    def _end(self, thread: PgThread, connection: PgConnection) -> None:
        """Commit; where the answer is lost, ask the server what became of the transaction.

        Raises:
            CommitUnknown: the store was closed before the server was back.
        """
        try:
            connection.script("COMMIT")
        except psycopg.OperationalError as error:
            # Not even a server that says why it ends the connection says what became of the commit.
            if not self._was_committed(thread, error):
                raise

    def _was_committed(self, thread: PgThread, error: Exception) -> bool:
        """Wait for the server, however long it is away: nobody may act on a write that may be stored or not.

        Other writes are refused meanwhile, at once.
        """
        refuse, go_on = self._writes.halt, partial(self._writes.halt, None)
        self._loop.call_soon_threadsafe(refuse, storage_error(error))
        try:
            while not self._closed:
                with suppress(psycopg.Error, OSError, StorageError):
                    connection = thread.connection()
                    try:
                        # With the lock: the server may still be at it.
                        return connection.script(f"{_BEGIN}; {_MARKED.format(epoch=self.epoch)}") == (self._number,)
                    finally:
                        _roll_back(connection)
                time.sleep(ASKING_SECONDS)
        finally:
            self._loop.call_soon_threadsafe(go_on)
        raise CommitUnknown from error


class CommitUnknown(StorageError):
    """The server went away while it committed, and the store was closed before it was back."""

    def __init__(self) -> None:
        super().__init__("PostgreSQL went away during a commit: what was written may be stored or not", lasts=True)


def _begun(thread: PgThread, begin: str) -> tuple[PgConnection, Row | None]:
    """Begin a transaction; a connection that was lost since the last one is opened again.

    Raises:
        psycopg.Error: the server cannot be reached, or refuses.
    """
    connection = thread.connection()
    try:
        return connection, connection.script(begin)
    except psycopg.OperationalError:
        if not connection.closed:
            _roll_back(connection)
            raise
    connection = thread.connection()
    return connection, connection.script(begin)


def _is_away(thread: PgThread, error: Exception) -> bool:
    """Return whether an error is that of a server which is away, so that it is the error of all who wait for it.

    Ask only where some wait: each try to connect may take seconds.
    """
    if not isinstance(error, (psycopg.OperationalError, OSError)):
        return False
    try:
        thread.connection()
    except (psycopg.Error, OSError):
        return True
    return False


def _roll_back(connection: PgConnection) -> None:
    if not connection.closed and connection.in_transaction:
        try:
            connection.script("ROLLBACK")
        except psycopg.Error:
            connection.close()  # the server ends the transaction of a connection that is gone


def _probe(tx: Transaction) -> None:
    for statement in _PROBE:
        tx.execute(statement)


def _read(thread: PgThread, works: list[Callable[[Reader], Any]]) -> list[Any]:
    outcomes: list[Any] = []
    for work in works:
        try:
            # One view of the data for all statements of a read.
            connection, _ = _begun(thread, _BEGIN_READ)
            try:
                outcomes.append(work(connection))
            finally:
                _roll_back(connection)
        except Exception as error:  # noqa: BLE001 (it concerns this one only, while the server is there)
            outcomes.append(Failed(storage_error(error)))
            if len(outcomes) < len(works) and _is_away(thread, error):
                return outcomes + [outcomes[-1]] * (len(works) - len(outcomes))
    return outcomes


def _no_crash(point: str) -> None:
    """Do nothing at a crash point."""


def _nobody() -> None:
    """Tell nobody."""
