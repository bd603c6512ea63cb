"""Migrates a database to this version: numbered SQL files, each applied once, in one transaction."""

from __future__ import annotations

import re
import sqlite3
import time
from importlib.resources import files

from supervisor.protocol.errors import ConfigError
from supervisor.store.migrations import Migration, compare_applied, refuse_newer

LEAST_SQLITE = (3, 37, 0)
"""The first version with STRICT tables."""

_FILE_NAME = re.compile(r"(\d{4})_\w+\.sql")
_CREATE_HISTORY = """
    CREATE TABLE IF NOT EXISTS migrations (
        version    INTEGER PRIMARY KEY,
        name       TEXT NOT NULL,
        sha256     TEXT NOT NULL,
        applied_ms INTEGER NOT NULL
    ) STRICT
"""


def released() -> list[Migration]:
    """Return the migrations that this program carries, oldest first."""
    found = [
        Migration(int(match[1]), file.name, file.read_text(encoding="utf-8"))
        for file in files("migrations").iterdir()
        if (match := _FILE_NAME.fullmatch(file.name))
    ]
    return sorted(found, key=lambda migration: migration.version)


def sqlite_version() -> tuple[int, int, int]:
    """Return the version of the SQLite that Python was built with."""
    return sqlite3.sqlite_version_info


def migrate(connection: sqlite3.Connection, migrations: list[Migration] | None = None) -> int:
    """Apply the missing migrations; return the version.

    Args:
        migrations: None = those that this program carries.

    Raises:
        ConfigError: SQLite is too old, the database is newer than the program, or a released migration was edited.
    """
    if sqlite3.sqlite_version_info < LEAST_SQLITE:
        raise ConfigError("", f"SQLite {sqlite3.sqlite_version} is too old", "use a Python with SQLite 3.37 or newer")
    migrations = released() if migrations is None else migrations
    current, newest = _versions(connection, migrations)
    connection.execute(_CREATE_HISTORY)
    applied: dict[int, str] = dict(connection.execute("SELECT version, sha256 FROM migrations"))
    (enforced,) = connection.execute("PRAGMA foreign_keys").fetchone()
    connection.execute("PRAGMA foreign_keys = OFF")  # else a table that others refer to could not be rebuilt
    try:
        for migration in migrations:
            if migration.version > current:
                _apply(connection, migration)
            else:
                compare_applied("state.dir", [migration], applied)
    finally:
        connection.execute(f"PRAGMA foreign_keys = {enforced:d}")
    return newest


def pending(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return the version of a database and that of this program, 0 for an empty one; only reads.

    Raises:
        ConfigError: the database is newer, or a released migration was edited.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return compare(connection) if version else (0, released()[-1].version)


def compare(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return the version of a database and that of this program; only reads.

    Raises:
        ConfigError: the database is newer, or a released migration was edited.
    """
    migrations = released()
    current, newest = _versions(connection, migrations)
    applied: dict[int, str] = dict(connection.execute("SELECT version, sha256 FROM migrations"))
    compare_applied("state.dir", [each for each in migrations if each.version <= current], applied)
    return current, newest


def _versions(connection: sqlite3.Connection, migrations: list[Migration]) -> tuple[int, int]:
    newest = migrations[-1].version
    current: int = connection.execute("PRAGMA user_version").fetchone()[0]
    refuse_newer("state.dir", current, newest)
    return current, newest


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{migration.sql}")
        connection.execute(
            "INSERT INTO migrations (version, name, sha256, applied_ms) VALUES (?, ?, ?, ?)",
            (migration.version, migration.name, migration.sha256, time.time_ns() // 1_000_000),
        )
        for table, rowid, parent, _ in connection.execute("PRAGMA foreign_key_check"):
            raise sqlite3.IntegrityError(f"{migration.name}: {table} row {rowid} refers to a missing row of {parent}")
        connection.execute(f"PRAGMA user_version = {migration.version:d}")
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
