"""Opens the database file: creates it, refuses a lost one, keeps a copy before it is migrated, begins a new epoch."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, cast

import aiosqlite

from supervisor.protocol.errors import StorageError
from supervisor.store.cluster.nodes import ADD, row_of
from supervisor.store.ports.cluster.nodes import ALONE
from supervisor.store.sqlite.backup import copy_checked, in_use
from supervisor.store.sqlite.migrate import migrate, pending
from supervisor.store.threads.worker import Done

T = TypeVar("T")

logger = logging.getLogger(__name__)

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
_END_ALL = "DELETE FROM nodes"
_RAISE_EPOCH = "UPDATE node SET epoch = epoch + 1"
_EPOCH = "SELECT epoch FROM node"


# For None and bytes the module looks for methods of an adapter, and drops two errors, unless it knows one. These two
# return their argument, and are no functions of Python: an exchange passes here twenty times.
sqlite3.register_adapter(NoneType, dict[None, None]().get)
sqlite3.register_adapter(bytes, bytes)


class DatabaseLost(StorageError):
    """The database is missing or empty, but its secrets show that there was one."""

    def __init__(self, path: Path, state: str) -> None:
        super().__init__(
            f"{path} {state}, but the secrets beside it belong to a database that was in use",
            f"restore a backup (made by `xswarm db backup`) to {path}; "
            f"to begin anew without users and messages, move the folder {path.parent / 'secrets'} away",
        )


class NoDatabase(StorageError):
    """There is no database yet."""

    code = "no_database"

    def __init__(self, path: Path | str) -> None:
        super().__init__(f"there is no database at {path} yet", "`xswarm serve` and `xswarm user add` create it")

    def __str__(self) -> str:
        return self.why[:1].upper() + self.why[1:]


def create(path: Path, *, used: bool) -> None:
    """Make the folder (0700) and the file (0600); SQLite gives its log files the same mode.

    Raises:
        DatabaseLost: the file is missing, and `used` says that there was one.
    """
    if used and not path.exists():
        raise DatabaseLost(path, "is missing")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def find(path: Path, *, used: bool) -> None:
    """Return if the file exists.

    Raises:
        DatabaseLost, NoDatabase.
    """
    if not path.exists():
        raise DatabaseLost(path, "is missing") if used else NoDatabase(path)


def refuse_empty(connection: sqlite3.Connection, path: Path, *, used: bool) -> None:
    """Return if the database has tables of ours; only reads.

    Raises:
        DatabaseLost, NoDatabase.
    """
    if not _version(connection):
        raise DatabaseLost(path, "is empty") if used else NoDatabase(path)


class Connection(aiosqlite.Connection):
    """A connection with a thread of its own."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._thread.daemon = True  # the exit of a process that fails must not wait for it

    def begin(self, function: Callable[[sqlite3.Connection], Any], done: Done) -> None:
        """Call a function with the connection, in its thread, then `done` in the event loop; returns at once.

        No task waits for the result, because each message passes here twice.
        """
        future = asyncio.get_running_loop().create_future()
        future.add_done_callback(partial(_tell, done))
        self._tx.put_nowait((future, partial(function, self._conn)))

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Call a function with the connection, in its thread."""
        return cast(T, await self._execute(function, self._conn))  # type: ignore[no-untyped-call]


def _tell(done: Done, future: asyncio.Future[Any]) -> None:
    error = future.exception()
    done(None if error is not None else future.result(), error)


async def connect(name: str, opened: list[Connection]) -> Connection:
    """Open a connection with a thread of its own, and add it to `opened`.

    Args:
        name: a path, or a URI that begins with `file:`.
    """

    def connector() -> sqlite3.Connection:
        return sqlite3.connect(
            name, uri=name.startswith("file:"), isolation_level=None, cached_statements=CACHED_STATEMENTS
        )

    connection = Connection(connector)
    await connection
    opened.append(connection)
    return connection


def prepare(connection: sqlite3.Connection, path: Path, *, used: bool) -> int:
    """Prepare the connection that writes: migrate the database, raise its epoch and return it.

    Raises:
        DatabaseLost: the database is empty, and `used` says that it was not.
    """
    if used and not _version(connection):
        raise DatabaseLost(path, "is empty")
    connection.executescript(_WRITER_PRAGMAS)
    keep_copy(connection, path)
    migrate(connection)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(_RAISE_EPOCH)
    epoch: int = connection.execute(_EPOCH).fetchone()[0]
    connection.execute(_END_ALL)  # this process alone has the file open
    connection.execute(ADD, row_of(ALONE, epoch, 0))
    connection.execute("COMMIT")
    return epoch


def prepare_reader(connection: sqlite3.Connection) -> None:
    """Prepare a connection that only reads."""
    connection.executescript(_READER_PRAGMAS)


def keep_copy(connection: sqlite3.Connection, path: Path) -> None:
    """Copy a database that is about to be migrated to `<name>.version-<version>` beside it; it is never deleted.

    Raises:
        StorageError: the copy could not be written, so the database must not be migrated.
    """
    current, newest = pending(connection)
    if not 0 < current < newest:
        return
    copy = path.with_name(f"{path.name}.version-{current}")
    copy_checked(in_use(path), copy)
    logger.info("the database is migrated from version %d to %d; a copy from before is %s", current, newest, copy)


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version
