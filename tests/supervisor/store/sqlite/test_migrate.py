"""Migrations: once each, in one piece, never edited."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from supervisor.protocol.errors import ConfigError
from supervisor.protocol.messages import SessionId
from supervisor.store import SqliteStore
from supervisor.store.migrations import Migration
from supervisor.store.sqlite.database import SqliteDatabase
from supervisor.store.sqlite.migrate import migrate, released
from tests.supervisor.store.builders import NOW, seal

WRITTEN = Path(__file__).parents[1] / "version_1.sql"
"""Rows of the first version: one prompt answered, one waiting, and a question running."""

TABLES = ("claude_code_sessions", "claude_code_messages", "turns", "inbox", "outbox", "ledger", "totals", "audit")


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


def test_a_migration_that_leaves_a_reference_to_nothing_is_undone() -> None:
    first = Migration(1, "0001_a.sql", "CREATE TABLE a (x PRIMARY KEY); CREATE TABLE b (y REFERENCES a (x));")
    second = Migration(2, "0002_b.sql", "DELETE FROM a;")
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, [first])
        connection.executescript("INSERT INTO a VALUES (1); INSERT INTO b VALUES (1); PRAGMA foreign_keys = ON;")
        with pytest.raises(sqlite3.IntegrityError, match=r"0002_b.sql: b row 1 refers to a missing row of a"):
            migrate(connection, [first, second])
        assert connection.execute("SELECT count(*) FROM a").fetchone() == (1,)
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


async def test_a_database_of_the_first_version_keeps_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, released()[:1])
        connection.executescript(WRITTEN.read_text(encoding="utf-8"))
        before, columns = _rows(connection), _columns(connection)
    database = await SqliteDatabase.open(path, seal)
    store = SqliteStore(database)
    try:
        with closing(sqlite3.connect(path)) as connection:
            assert _rows(connection, columns) == before
        assert await database.write(lambda tx: tx.one("PRAGMA foreign_keys")) == (1,)
        assert await store.check() == []
        assert await store.audit.verify() is None
        history = await store.turns.history(SessionId("s1"), limit=9, before=None)
        assert [message.message for message in history] == ["run the tests", "42 passed", "run the tests"]
        assert await store.turns.waiting_lanes() == [("s1", "shop")]
        assert len(await store.outbox.due("sms", now_ms=NOW, limit=9)) == 1
    finally:
        await store.close()


def _rows(connection: sqlite3.Connection, columns: Mapping[str, str] | None = None) -> dict[str, list[Any]]:
    """Return the rows of all tables; `columns` names which of them."""
    chosen = columns or dict.fromkeys(TABLES, "*")
    return {
        table: connection.execute(f"SELECT {chosen[table]} FROM {table} ORDER BY 1, 2").fetchall() for table in TABLES
    }


def _columns(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the columns of all tables, generated ones too."""
    return {
        table: ", ".join(item[0] for item in connection.execute(f"SELECT * FROM {table}").description)
        for table in TABLES
    }


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
