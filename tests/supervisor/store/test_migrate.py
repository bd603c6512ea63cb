"""Migrations: once each, in one piece, never edited."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from supervisor.protocol.errors import ConfigError
from supervisor.store.migrate import Migration, migrate, released


def test_migrations_run_once_each_and_in_one_piece() -> None:
    first = Migration(1, "0001_a.sql", "CREATE TABLE a (x); INSERT INTO a VALUES (1);")
    second = Migration(2, "0002_b.sql", "CREATE TABLE b (x); INSERT INTO nowhere VALUES (1);")
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        assert migrate(connection, [first]) == 1
        assert migrate(connection, [first]) == 1
        with pytest.raises(sqlite3.Error):
            migrate(connection, [first, second])
        assert connection.execute("SELECT count(*) FROM a").fetchone() == (1,)
        assert connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'b'").fetchone() is None
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)


def test_an_edited_migration_is_refused() -> None:
    first = Migration(1, "0001_a.sql", "CREATE TABLE a (x);")
    edited = Migration(1, "0001_a.sql", "CREATE TABLE a (x, y);")
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, [first])
        with pytest.raises(ConfigError, match=r"0001_a.sql is not the one"):
            migrate(connection, [edited])


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [migration.version for migration in released()] == list(range(1, len(released()) + 1))


def test_every_table_is_strict() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection)
        tables = connection.execute(
            "SELECT name, strict FROM pragma_table_list WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        ).fetchall()
        assert len(tables) > 15
        assert [name for name, strict in tables if not strict] == []
