"""Backups: a copy of the database is complete and checked, or it does not exist."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from supervisor.protocol.errors import StorageError


async def back_up(database: Path, target: Path) -> None:
    """Write a consistent copy (mode 0600), through a connection of its own so that it blocks no other read or write.

    Raises:
        StorageError: it could not be written; nothing is left behind.
    """
    await asyncio.to_thread(_back_up, database, target)


def check_integrity(connection: sqlite3.Connection) -> list[str]:
    """Return a sentence per problem of the file's structure."""
    problems = [text for (text,) in connection.execute("PRAGMA integrity_check") if text != "ok"]
    problems += [
        f"{table} row {rowid} refers to a missing row of {parent}"
        for table, rowid, parent, _ in connection.execute("PRAGMA foreign_key_check")
    ]
    return problems


def _back_up(database: Path, target: Path) -> None:
    unfinished = target.with_name(f"{target.name}.tmp")
    try:
        unfinished.unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with closing(_open_read_only(database)) as source, closing(sqlite3.connect(unfinished)) as copy:
            # Not VACUUM INTO: SQLite 3.40 cannot do that on a read-only connection to tables with generated columns.
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # so that the copy is one file
            problems = check_integrity(copy)
        if problems:
            raise StorageError(f"the backup is damaged: {problems[0]}")
        _sync(unfinished)
        os.replace(unfinished, target)
        _sync(target.parent)
    except (OSError, sqlite3.Error) as error:
        unfinished.unlink(missing_ok=True)
        raise StorageError(f"the backup could not be written: {error}") from error
    except StorageError:
        unfinished.unlink(missing_ok=True)
        raise


def _open_read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
