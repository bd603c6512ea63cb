"""Inspects a database file that no daemon has open; it reads the file, and neither migrates nor changes it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from supervisor.protocol.errors import StorageError
from supervisor.protocol.values.record import record
from supervisor.store.money.disagreements import disagreements
from supervisor.store.sqlite.backup import check_integrity
from supervisor.store.sqlite.errors import DAMAGED, remedy_of
from supervisor.store.sqlite.migrate import compare
from supervisor.store.sqlite.opening import NoDatabase, find, refuse_empty

__all__ = ["Inspection", "NoDatabase", "inspect"]

PEOPLE = """
    SELECT count(*), count(*) FILTER (WHERE id IN (SELECT user_id FROM addresses)) FROM users WHERE removed_ms IS NULL
"""


@record
class Inspection:
    """The state of a database.

    Attributes:
        version: the version of the database.
        newest: the version to which this program would migrate it.
        problems: a sentence each; sums are compared only if the file has this program's version.
        users: how many users there are, without removed ones.
        reachable: how many of them have a phone number or mailbox.
        unchecked: what is left to tools of the engine, as a sentence; empty = nothing.
    """

    version: int
    newest: int
    problems: list[str]
    users: int
    reachable: int
    unchecked: str = ""


def inspect(path: Path, *, used: bool = False) -> Inspection:
    """Inspect a database from end to end; the file, and the files beside it, stay as they are.

    Args:
        used: whether it has been used before, so that a missing or empty file is a lost database.

    Raises:
        NoDatabase: it does not exist yet, or is empty.
        StorageError: it cannot be read, or is lost.
        ConfigError: it was written by a newer version, or a released migration was edited.
    """
    find(path, used=used)
    try:
        with _opened(path) as connection:
            refuse_empty(connection, path, used=used)
            version, newest = compare(connection)
            problems = check_integrity(connection)
            if version == newest and not problems:
                problems += disagreements(connection)
            users, reachable = connection.execute(PEOPLE).fetchone()
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"the database cannot be read: {error}", remedy_of(error) or DAMAGED) from error
    return Inspection(version=version, newest=newest, problems=problems, users=users, reachable=reachable)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    log = path.with_name(f"{path.name}-wal")
    if not log.exists() or log.stat().st_size == 0:
        # Immutable, because a normal reader of a database with a log creates files beside it.
        with closing(_connect(path, "immutable=1")) as connection:
            yield connection
        return
    # A daemon was killed: its last writes are in the log, and reading them would merge them into the file.
    with TemporaryDirectory(prefix="xswarm-") as folder:
        copy = Path(folder) / path.name
        shutil.copyfile(path, copy)
        shutil.copyfile(log, copy.with_name(log.name))
        with closing(_connect(copy, "mode=rw")) as connection:
            yield connection


def _connect(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None)
