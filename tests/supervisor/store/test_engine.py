"""Both engines run the same statements: each one is read by SQLite, and keeps to what PostgreSQL knows too."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from supervisor import store
from supervisor.store.sqlite.migrate import migrate

_IS_STATEMENT = re.compile(r"\s*(SELECT|WITH|INSERT|UPDATE|DELETE)\b")

_ONE_ENGINE_ALONE = re.compile(
    r"""
      \bINSERT\ OR\b | \bREPLACE\ INTO\b | \biif\( | \bifnull\( | \bGLOB\b | \bLIMIT\ -1\b | \binstr\(
    | \bgroup_concat\( | \bstring_agg\( | \bIS\ (NOT\ )?[:?(] | \bIS\ (NOT\ )?DISTINCT\b
    | \bstrftime\( | \bjulianday\( | \bmax\([^()]*, | \bmin\([^()]*, | ::\w | \bILIKE\b | \bnow\(\) | (?<![\w)])\+\w+\.
    | (?<!AS\ TEXT\)\ )(?<!AS\ BIGINT\)\ )(?<=[\s(])(:\w+|[?]\d*)\ IS\ (NOT\ )?NULL
    """,
    re.VERBOSE,
)
"""What one of the engines does not know, or reads otherwise; and a parameter without a type."""


def statements() -> Iterator[tuple[str, str]]:
    """Return every statement that stands in a constant of the store, but those of one engine, with its place."""
    for module in pkgutil.walk_packages(store.__path__, "supervisor.store."):
        if module.name.split(".")[2] in ("sqlite", "postgres", "copying", "inspection"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            for index, text in enumerate(value if isinstance(value, tuple) else (value,)):
                if isinstance(text, str) and _IS_STATEMENT.match(text) and not re.search(r"\{\w*\}", text):
                    yield f"{module.name}.{name}.{index}", text


ALL = dict(statements())


def test_every_statement_is_read_by_sqlite() -> None:
    assert len(ALL) > 150
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection)
        for place, text in ALL.items():
            try:
                connection.execute(f"EXPLAIN {re.sub(r'[?][0-9]*', ':x', text)}", Unbound())
            except sqlite3.Error as error:
                pytest.fail(f"{place}: {error}")


def test_every_statement_keeps_to_what_both_engines_know() -> None:
    found = {place: match[0] for place, text in ALL.items() if (match := _ONE_ENGINE_ALONE.search(text))}
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "INSERT OR IGNORE INTO t VALUES (1)",
        "SELECT iif(1, 2, 3)",
        "SELECT 1 WHERE a IS NOT :b",
        "SELECT 1 WHERE (:a IS NULL OR a = :a)",
        "UPDATE t SET a = max(a, :b)",
        "SELECT a FROM t LIMIT -1 OFFSET 1",
        "SELECT a::TEXT",
        "SELECT 1 FROM t AS l WHERE +l.a = 1",
    ],
)
def test_what_one_engine_alone_knows_is_noticed(text: str) -> None:
    assert _ONE_ENGINE_ALONE.search(text)


class Unbound(dict[str, None]):
    """Binds every named parameter of a statement to NULL."""

    def __missing__(self, key: str) -> None:
        return None
