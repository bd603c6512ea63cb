"""Backups: a copy of the database is complete and checked, or it does not exist."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from supervisor.protocol.errors import StorageError
from supervisor.protocol.times import now_ms
from supervisor.store.sqlite.errors import DAMAGED, remedy_of

_DOUBT = "UPDATE outbox SET state = 'sending', sending_ms = ? WHERE state = 'pending'"
_NOTE_COPY = """
    INSERT INTO marks (name, value)
    SELECT DISTINCT substr(name, 1, instr(name, '/')) || 'copied', ? FROM marks WHERE instr(name, '/') > 0
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""
_KNOWS_REPLIES = "SELECT count(*) = 2 FROM sqlite_master WHERE name IN ('outbox', 'marks')"


async def back_up(database: str, target: Path) -> None:
    """Write a consistent copy (mode 0600), through a connection of its own so that it blocks no other read or write.

    In the copy every reply that waits is one of unknown outcome: until the copy is used, the daemon goes on and sends
    it. A daemon that starts on the copy therefore asks the provider first, and sends nothing twice. The mark `copied`
    of each channel has the time of the copy: the copy does not know what came later, and has been answered.

    Args:
        database: its name for SQLite, of `in_use` or `not_in_use`.

    Raises:
        StorageError: it could not be written; nothing is left behind.
    """
    await asyncio.to_thread(copy_checked, database, target, _doubt_replies)


def check_integrity(connection: sqlite3.Connection) -> list[str]:
    """Return a sentence per problem of the file's structure; damage that ends the check is one."""
    problems = []
    try:
        problems += [text for (text,) in connection.execute("PRAGMA integrity_check") if text != "ok"]
        problems += [
            f"{table} row {rowid} refers to a missing row of {parent}"
            for table, rowid, parent, _ in connection.execute("PRAGMA foreign_key_check")
        ]
    except sqlite3.DatabaseError as error:
        if remedy_of(error) != DAMAGED:
            raise
        problems.append(str(error))
    return problems


def copy_checked(database: str, target: Path, change: Callable[[sqlite3.Connection], None] | None = None) -> None:
    """Do what `back_up` does, in the thread of the caller.

    Args:
        change: changes the copy before it is checked; None = it stays as it is.
    """
    unfinished = target.with_name(f"{target.name}.tmp")
    try:
        unfinished.unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with closing(_connect(database)) as source, closing(sqlite3.connect(unfinished)) as copy:
            # Not VACUUM INTO: SQLite 3.40 cannot do that on a read-only connection to tables with generated columns.
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # so that the copy is one file
            if change is not None:
                change(copy)
            problems = check_integrity(copy)
        if problems:
            raise StorageError(f"the database is damaged, and so is its copy: {problems[0]}", DAMAGED)
        _sync(unfinished)
        os.replace(unfinished, target)
        _sync(target.parent)
    except (OSError, sqlite3.Error) as error:
        unfinished.unlink(missing_ok=True)
        raise StorageError(f"the backup could not be written: {target}: {error}", remedy_of(error)) from error
    except StorageError:
        unfinished.unlink(missing_ok=True)
        raise


def in_use(path: Path) -> str:
    """Return the name by which SQLite opens a database to read it while a daemon writes to it."""
    return f"{path.absolute().as_uri()}?mode=ro"


def not_in_use(path: Path) -> str:
    """Return the name by which SQLite opens a database that no other process writes to, and changes nothing.

    Without a log it is opened as immutable, because a normal reader would create files beside it.
    """
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        return in_use(path)
    return f"{path.absolute().as_uri()}?immutable=1"


def _doubt_replies(copy: sqlite3.Connection) -> None:
    if copy.execute(_KNOWS_REPLIES).fetchone() == (1,):
        now = now_ms()
        copy.execute("BEGIN")
        copy.execute(_DOUBT, (now,))
        copy.execute(_NOTE_COPY, (now,))
        copy.execute("COMMIT")


def _connect(name: str) -> sqlite3.Connection:
    return sqlite3.connect(name, uri=True, isolation_level=None)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
