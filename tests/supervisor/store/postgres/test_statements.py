"""How a statement of the store becomes one of PostgreSQL; and that the server understands every one of them."""

from __future__ import annotations

import psycopg
import pytest

from supervisor.store.postgres.statements import Statement, translated
from tests.supervisor.store.test_engine import ALL


@pytest.mark.parametrize(
    ("sql", "text", "names"),
    [
        ("SELECT ?, ?", "SELECT $1, $2", None),
        ("SELECT ?2, ?1, ?2", "SELECT $2, $1, $2", None),
        ("SELECT :b, :a, :b", "SELECT $1, $2, $1", ("b", "a")),
        ("SELECT '?', ':a', \"?\", 'it''s ?' -- ? :b", "SELECT '?', ':a', \"?\", 'it''s ?' -- ? :b", None),
        ("SELECT a::TEXT, ?", "SELECT a::TEXT, $1", None),
        ("SELECT 1 FROM t INDEXED BY t_a WHERE a = ?", "SELECT 1 FROM t  WHERE a = $1", None),
        ("SELECT 1 FROM t AS a CROSS JOIN t AS b ON a.x = b.x", "SELECT 1 FROM t AS a JOIN t AS b ON a.x = b.x", None),
    ],
)
def test_placeholders_become_numbers_and_hints_go(sql: str, text: str, names: tuple[str, ...] | None) -> None:
    assert translated(sql) == Statement(text, names)


def test_values_stand_in_the_order_of_the_numbers() -> None:
    assert translated("SELECT :b, :a, :b").values({"a": 1, "b": 2, "c": 3}) == [2, 1]
    assert translated("SELECT ?, ?").values((1, 2)) == (1, 2)


def test_a_statement_is_translated_once() -> None:
    assert translated("SELECT ? AS once") is translated("SELECT ? AS once")


@pytest.mark.postgres
def test_the_server_understands_every_statement(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        refused = {}
        for place, sql in ALL.items():
            try:
                connection.execute(f"PREPARE one AS {translated(sql).text}".encode())
                connection.execute("DEALLOCATE one")
            except psycopg.Error as error:
                refused[place] = str(error)
        assert refused == {}
