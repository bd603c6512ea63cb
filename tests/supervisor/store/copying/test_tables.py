"""The tables of a database, in an order in which they can be filled."""

from __future__ import annotations

from contextlib import closing

import pytest

from supervisor.store.copying.tables import quoted, tables_of
from supervisor.store.postgres.connection import PgConnection

pytestmark = pytest.mark.postgres


def test_a_table_comes_after_those_that_it_refers_to(url: str) -> None:
    with closing(PgConnection(url, "test")) as connection:
        tables = {table.name: table for table in tables_of(connection)}
    order = list(tables)
    for table, referred in (("inbox", "turns"), ("turns", "claude_code_sessions"), ("addresses", "users")):
        assert order.index(table) > order.index(referred)
    assert "migrations" not in tables
    assert (tables["turns"].key, tables["turns"].identity) == (("id",), "id")
    assert tables["daily_totals"].key == ("scope", "key", "day")
    assert tables["audit"].identity == ""
    assert tables["search"].columns == ("rowid", "question", "answer")
    assert "started_at" not in tables["claude_code_sessions"].columns, "the database computes it"


def test_names_are_quoted() -> None:
    assert quoted(["key", "value"]) == '"key", "value"'
