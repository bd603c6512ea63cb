"""Migrates a database to this version: the files of `migrations/postgres/`, each applied once, in one transaction.

Several nodes are upgraded one after the other, in two releases: the first expands (new tables and columns, and it
writes both), the next takes the old ones away when no older node is left. `schema.min_version` is the oldest version
that can work on the database.
"""

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
_SCHEMA = """
    CREATE TABLE IF NOT EXISTS schema (id BIGINT PRIMARY KEY CHECK (id = 1), min_version BIGINT NOT NULL)
"""
_HAS_SCHEMA = "SELECT to_regclass('schema') IS NOT NULL"
_LEAST = "SELECT max(min_version) FROM schema"
_SET_LEAST = """
    INSERT INTO schema (id, min_version) VALUES (1, :least)
    ON CONFLICT (id) DO UPDATE SET min_version = excluded.min_version WHERE schema.min_version < excluded.min_version
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

    The database may be newer, as long as it was only expanded.

    Raises:
        ConfigError: the database is too new, or a released migration was edited.
    """
    migrations = released()
    newest = migrations[-1].version
    if not connection.execute(_HAS_HISTORY).fetchone()[0]:
        return 0, newest
    applied: dict[int, str] = dict(connection.execute(_APPLIED).fetchall())
    current = max(applied, default=0)
    refuse_newer("store.url", current, newest, least=_least(connection))
    compare_applied("store.url", [each for each in migrations if each.version <= current], applied)
    return current, newest


def _least(connection: Reader) -> int | None:
    if not connection.execute(_HAS_SCHEMA).fetchone()[0]:
        return None
    least: int | None = connection.execute(_LEAST).fetchone()[0]
    return least


def takes_away(current: int) -> bool:
    """Return whether the migration of a database takes away what older nodes use."""
    return any(each.needs for each in released() if each.version > current)


def migrate(connection: PgConnection) -> int:
    """Apply the missing migrations, in the open transaction; return the version.

    Raises:
        ConfigError: the database is too new for the program, or a released migration was edited.
    """
    current, newest = versions(connection)
    if current == 0:
        connection.script(_HISTORY)
    if current < newest:
        connection.script(_SCHEMA)
    for migration in released():
        if migration.version > current:
            connection.script(migration.sql)
            now_ms = time.time_ns() // 1_000_000
            connection.execute(_ADD, (migration.version, migration.name, migration.sha256, now_ms))
            connection.execute(_SET_LEAST, {"least": migration.needs})
    return max(current, newest)
