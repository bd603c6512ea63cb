"""A migrated database that tests copy: the migrations take 60 ms of CPU, and tests open thousands of new databases."""

from __future__ import annotations

import sqlite3
from threading import Lock

from supervisor.store.migrations import Migration
from supervisor.store.sqlite.migrate import migrate


class Template:
    """Stands in for `migrate` in this process: a new database becomes a copy of one that `migrate` made.

    Databases of children, and those that already have tables, are migrated as always.
    """

    def __init__(self) -> None:
        self._lock = Lock()  # each database is opened in a thread of its own
        self._made: sqlite3.Connection | None = None

    def migrate(self, connection: sqlite3.Connection, migrations: list[Migration] | None = None) -> int:
        """Apply the missing migrations; return the version."""
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0 and migrations is None:
            with self._lock:
                self._migrated().backup(connection)
        return migrate(connection, migrations)

    def _migrated(self) -> sqlite3.Connection:
        if self._made is None:
            self._made = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            migrate(self._made)
        return self._made
