"""A look at a database file that no daemon has: reads it, and neither migrates nor touches it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from supervisor.protocol.errors import StorageError
from supervisor.store.money.disagreements import disagreements
from supervisor.store.sqlite.backup import check_integrity
from supervisor.store.sqlite.migrate import compare

_PEOPLE = """
    SELECT count(*), count(*) FILTER (WHERE id IN (SELECT user_id FROM addresses)) FROM users WHERE removed_ms IS NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a database holds.

    Attributes:
        version: of the file.
        newest: what this program would bring it to.
        problems: a sentence each; the sums are compared in a database of this version only.
        users: that are not removed.
        reachable: those with a phone or mailbox.
    """

    version: int
    newest: int
    problems: list[str]
    users: int
    reachable: int


def inspect(path: Path) -> Inspection:
    """Look at a database from end to end; the file and what lies beside it stay as they are.

    Raises:
        StorageError: it cannot be read.
        ConfigError: it was written by a newer version, or a released migration was edited.
    """
    try:
        with _opened(path) as connection:
            version, newest = compare(connection)
            problems = check_integrity(connection)
            if version == newest:
                problems += disagreements(connection)
            users, reachable = connection.execute(_PEOPLE).fetchone()
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"the database cannot be read: {error}") from error
    return Inspection(version=version, newest=newest, problems=problems, users=users, reachable=reachable)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    log = path.with_name(f"{path.name}-wal")
    if not log.exists() or log.stat().st_size == 0:
        # Immutable: a mere reader of a database with a log would make files beside it.
        with closing(_connect(path, "immutable=1")) as connection:
            yield connection
        return
    # A daemon was killed: what it wrote last stands in the log, and reading that would work it in.
    with TemporaryDirectory(prefix="xswarm-") as folder:
        copy = Path(folder) / path.name
        shutil.copyfile(path, copy)
        shutil.copyfile(log, copy.with_name(log.name))
        with closing(_connect(copy, "mode=rw")) as connection:
            yield connection


def _connect(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None)
