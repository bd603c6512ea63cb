"""The SQLite file: opened for each use, shared by several processes, made whole or not at all."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from examples.residency.data.entities import Absence, Assignment, Need, Person, Programme, Rotation, Shift

BUSY_SECONDS = 10.0
"""How long a writer waits for another one."""

_SCHEMA = Path(__file__).with_name("schema.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What a new database is filled with."""

    programme: Programme
    people: tuple[Person, ...]
    rotations: tuple[Rotation, ...]
    needs: tuple[Need, ...]
    assignments: tuple[Assignment, ...]
    absences: tuple[Absence, ...]
    shifts: tuple[Shift, ...]


class Database:
    """A database file with one schedule.

    Args:
        path: the file; it exists.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection whose statements all see the same state."""
        with self._connected() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that nobody else writes beside; commits at the end, or rolls back when it raises.

        Raises:
            sqlite3.OperationalError: another process held the database for `BUSY_SECONDS`.
        """
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        # "rw" never makes a file: a database that was taken away is an error, not an empty schedule.
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None
        )
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
            yield connection
        finally:
            connection.close()


def create(path: Path, records: Records) -> bool:
    """Make a database and fill it; return whether it was made here.

    It is written beside its place and linked there when it is complete, so that of several processes that begin at
    the same time one wins, and no process sees a half of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=path.parent) as folder:
        made = Path(folder) / path.name
        connection = sqlite3.connect(made, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA.read_text(encoding="utf-8"))
            connection.execute("BEGIN")
            _fill(connection, records)
            connection.execute("COMMIT")
        finally:
            connection.close()
        try:
            os.link(made, path)
        except FileExistsError:
            return False
    return True


def _fill(connection: sqlite3.Connection, records: Records) -> None:
    programme = records.programme
    connection.execute(
        "INSERT INTO programme VALUES (?, ?, ?, ?, ?, ?, 1)",
        (
            programme.schedule_id,
            programme.name,
            programme.time_zone,
            programme.averaging,
            programme.first,
            programme.last,
        ),
    )
    connection.executemany("INSERT INTO people VALUES (?, ?, ?)", ((p.id, p.name, p.level) for p in records.people))
    connection.executemany(
        "INSERT INTO rotations VALUES (?, ?, ?)", ((r.id, r.name, r.flexible) for r in records.rotations)
    )
    connection.executemany(
        "INSERT INTO needs VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (n.rotation_id, n.kind, n.start, n.minutes, "".join(map(str, n.weekdays)), n.minimum, n.level)
            for n in records.needs
        ),
    )
    connection.executemany(
        "INSERT INTO assignments VALUES (?, ?, ?, ?)",
        ((a.person_id, a.rotation_id, a.first, a.last) for a in records.assignments),
    )
    connection.executemany(
        "INSERT INTO absences VALUES (?, ?, ?, ?)", ((a.person_id, a.kind, a.first, a.last) for a in records.absences)
    )
    insert_shifts(connection, records.shifts)


def insert_shifts(connection: sqlite3.Connection, shifts: Iterable[Shift]) -> None:
    """Add shifts.

    Raises:
        sqlite3.IntegrityError: there is one with such an id, or no such person or rotation.
    """
    connection.executemany(
        "INSERT INTO shifts VALUES (?, ?, ?, ?, ?, ?)",
        ((s.id, s.person_id, s.rotation_id, s.kind, s.start, s.end) for s in shifts),
    )
