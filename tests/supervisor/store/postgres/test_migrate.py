"""Migrations of PostgreSQL: the same numbers and the same schema as those of SQLite."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import closing
from typing import Any

import psycopg
import pytest

from supervisor.protocol.errors import ConfigError
from supervisor.store.migrations import Migration
from supervisor.store.postgres import migrate
from supervisor.store.postgres.connection import PgConnection
from supervisor.store.postgres.inspection import inspect
from supervisor.store.postgres.store import Address, open_postgres
from supervisor.store.sqlite import migrate as of_sqlite
from tests.supervisor.store.builders import seal

FIRST = 30
"""The version with which PostgreSQL began: one file makes all that SQLite's had made until then."""

TYPES = {"INTEGER": "bigint", "TEXT": "text", "BLOB": "bytea", "REAL": "double precision"}

COLUMNS = """
    SELECT c.table_name, c.column_name, c.data_type, c.is_nullable, c.column_default, c.is_generated, c.collation_name
    FROM information_schema.columns AS c JOIN information_schema.tables AS t USING (table_schema, table_name)
    WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.table_name NOT IN ('search', 'schema')
"""
INDEXES = """
    SELECT t.relname, i.indisunique, i.indpred IS NOT NULL, array_agg(a.attname ORDER BY k.place)::TEXT[]
    FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid
    JOIN pg_namespace AS n ON n.oid = t.relnamespace AND n.nspname = 'public'
    CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
    LEFT JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.attnum AND k.attnum > 0
    WHERE t.relname NOT IN ('search', 'schema') GROUP BY i.indexrelid, 1, 2, 3
"""
REFERENCES = """
    SELECT t.relname, a.attname, p.relname
    FROM pg_constraint AS c JOIN pg_class AS t ON t.oid = c.conrelid JOIN pg_class AS p ON p.oid = c.confrelid
    JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = c.conkey[1] WHERE c.contype = 'f'
"""

Schema = dict[str, set[tuple[Any, ...]]]


def test_each_migration_is_there_for_both_engines() -> None:
    numbers = [each.version for each in of_sqlite.released() if each.version >= FIRST]
    assert [each.version for each in migrate.released()] == numbers, (
        "a migration needs a file of the same number in migrations/postgres/, in the SQL of PostgreSQL"
    )


def schema_of_sqlite() -> Schema:
    """Return columns, indexes and references of the newest version of SQLite."""
    found: Schema = defaultdict(set)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        of_sqlite.migrate(connection)
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in names:
            if table.startswith(("search", "sqlite_")):
                continue
            keys = []
            for row in connection.execute(f"PRAGMA table_xinfo ({table})").fetchall():
                _, name, kind, filled, default, place, hidden = row
                keys += [(place, name)] if place else []
                made = bool(hidden)
                found["columns"].add((table, name, TYPES[kind], bool(filled or place) or made, default, made))
            found["indexes"].add((table, True, False, tuple(name for _, name in sorted(keys))))
            for _, name, unique, origin, partial in connection.execute(f"PRAGMA index_list ({table})").fetchall():
                if origin == "pk":
                    continue
                places = connection.execute(f"PRAGMA index_xinfo ({name})").fetchall()
                columns = tuple(each[2] for each in places if each[5])
                found["indexes"].add((table, bool(unique), bool(partial), columns))
            for row in connection.execute(f"PRAGMA foreign_key_list ({table})").fetchall():
                found["references"].add((table, row[3], row[2]))
    return found


def schema_of_postgres(url: str) -> Schema:
    """Return the same of the newest version of PostgreSQL."""
    found: Schema = defaultdict(set)
    with psycopg.connect(url) as connection:
        for table, name, kind, nullable, default, generated, collation in connection.execute(COLUMNS):
            assert (collation == "C") is (kind == "text"), f"{table}.{name} compares by {collation}"
            plain = None if default is None else default.split("::")[0]
            made = generated == "ALWAYS"
            found["columns"].add((table, name, kind, nullable == "NO" or made, None if made else plain, made))
        for table, unique, partial, columns in connection.execute(INDEXES):
            found["indexes"].add((table, unique, partial, tuple(columns)))
        found["references"] = set(connection.execute(REFERENCES).fetchall())
    return found


@pytest.mark.postgres
def test_both_engines_have_one_schema(url: str) -> None:
    sqlite, postgres = schema_of_sqlite(), schema_of_postgres(url)
    for part in ("columns", "indexes", "references"):
        assert sqlite[part] - postgres[part] == set(), part
        assert postgres[part] - sqlite[part] == set(), part


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            "UPDATE migrations SET version = 9999 WHERE version = 30; UPDATE schema SET min_version = 9999",
            "has version 9999, this program knows only up to",
        ),
        ("UPDATE migrations SET sha256 = 'other'", "is not the one that the database was made with"),
    ],
)
def test_a_database_of_another_program_is_refused(url: str, change: str, why: str) -> None:
    connection = PgConnection(url, "test")
    try:
        connection.script(change)
        with pytest.raises(ConfigError, match=why):
            migrate.versions(connection)
    finally:
        connection.close()


@pytest.mark.postgres
def test_a_database_that_a_newer_program_has_only_expanded_is_used_as_it_is(url: str) -> None:
    connection = PgConnection(url, "test")
    newest = migrate.released()[-1].version
    newer = "INSERT INTO migrations (version, name, sha256, applied_ms) VALUES (?, 'later', 'x', 0)"
    try:
        connection.execute(newer, (newest + 1,))
        assert migrate.versions(connection) == (newest + 1, newest)
        connection.script("BEGIN")
        assert migrate.migrate(connection) == newest + 1
        connection.script("COMMIT")
        connection.execute("UPDATE schema SET min_version = ?", (newest + 1,))
        with pytest.raises(ConfigError, match=f"has version {newest + 1}, this program knows only up to {newest}"):
            migrate.versions(connection)
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("first", "needs"),
    [("-- expands: a column for x", 0), ("-- needs 0038: y is gone", 38), ("-- Tables of z.", 41), ("CREATE ...", 41)],
)
def test_a_migration_says_which_programs_can_go_on_after_it(first: str, needs: int) -> None:
    assert Migration(41, "0041_x.sql", f"{first}\nSELECT 1;").needs == needs


@pytest.mark.postgres
async def test_an_older_database_is_migrated_with_its_rows(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    all_of_them = migrate.released()
    monkeypatch.setattr(migrate, "released", lambda: all_of_them[:1])
    with closing(PgConnection(empty_url, "test")) as connection:
        migrate.migrate(connection)
        connection.script("INSERT INTO users (id, name, role, created_ms) VALUES ('ann', 'Ann', 'ADMIN', 1)")
    monkeypatch.undo()
    found = inspect(Address(empty_url))
    assert (found.version, found.newest, found.problems) == (FIRST, all_of_them[-1].version, [])
    store = await open_postgres(Address(empty_url), seal=seal, used=True)
    assert await store.versions() == (all_of_them[-1].version, all_of_them[-1].version)
    assert [user.id for user in await store.accounts.users()] == ["ann"]
    await store.close()
