"""Migrates a database to this version: the files of `migrations/postgres/`, each applied once, in one transaction."""

from __future__ import annotations

import re
import time
from importlib.resources import files

from supervisor.store.migrations import Migration, compare_applied, refuse_newer
from supervisor.store.postgres.connection import PgConnection
from supervisor.store.transaction import Reader

_FILE_NAME = re.compile(r"(\d{4})_\w+\.sql")
_HISTORY = """
    CREATE TABLE migrations (
        version    BIGINT PRIMARY KEY,
        name       TEXT COLLATE "C" NOT NULL,
        sha256     TEXT COLLATE "C" NOT NULL,
        applied_ms BIGINT NOT NULL
    )
"""
_HAS_HISTORY = "SELECT to_regclass('migrations') IS NOT NULL"
_APPLIED = "SELECT version, sha256 FROM migrations ORDER BY version"
_ADD = "INSERT INTO migrations (version, name, sha256, applied_ms) VALUES (?, ?, ?, ?)"


def released() -> list[Migration]:
    """Return the migrations for PostgreSQL that this program carries, oldest first."""
    found = [
        Migration(int(match[1]), file.name, file.read_text(encoding="utf-8"))
        for file in (files("migrations") / "postgres").iterdir()
        if (match := _FILE_NAME.fullmatch(file.name))
    ]
    return sorted(found, key=lambda migration: migration.version)


def versions(connection: Reader) -> tuple[int, int]:
    """Return the version of a database, 0 for an empty one, and that of this program; only reads.

    Raises:
        ConfigError: the database is newer, or a released migration was edited.
    """
    migrations = released()
    newest = migrations[-1].version
    if not connection.execute(_HAS_HISTORY).fetchone()[0]:
        return 0, newest
    applied: dict[int, str] = dict(connection.execute(_APPLIED).fetchall())
    current = max(applied, default=0)
    refuse_newer("store.url", current, newest)
    compare_applied("store.url", [each for each in migrations if each.version <= current], applied)
    return current, newest


def migrate(connection: PgConnection) -> int:
    """Apply the missing migrations, in the open transaction; return the version.

    Raises:
        ConfigError: the database is newer than the program, or a released migration was edited.
    """
    current, newest = versions(connection)
    if current == 0:
        connection.script(_HISTORY)
    for migration in released():
        if migration.version > current:
            connection.script(migration.sql)
            now_ms = time.time_ns() // 1_000_000
            connection.execute(_ADD, (migration.version, migration.name, migration.sha256, now_ms))
    return newest
