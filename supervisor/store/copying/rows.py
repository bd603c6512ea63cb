"""The rows of one table: read from SQLite, written to PostgreSQL, compared in both."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from supervisor.store.copying.copied import NotCopied
from supervisor.store.copying.tables import Table, quoted
from supervisor.store.messages.search import GAP
from supervisor.store.postgres.connection import PgConnection
from supervisor.store.postgres.search import indexed_words
from supervisor.store.transaction import Row

FETCHED = 2_000
"""Rows that are compared in one round trip."""

REPORT = "report this: it is a fault of xswarm"

_SEARCH = "search"


def read_rows(source: sqlite3.Connection, table: Table) -> Iterator[Row]:
    """Return the rows of SQLite as PostgreSQL can hold them: without NUL in texts, which older versions let through."""
    ignored = ("\0", GAP) if table.name == _SEARCH else ("\0",)
    for row in source.execute(table.select):
        yield tuple(_without(value, ignored) for value in row)


def write_rows(target: PgConnection, table: Table, rows: Iterator[Row]) -> None:
    """Fill a table with rows that have their numbers, and let the database number the next ones after them."""
    target.script(f'DELETE FROM "{table.name}"')  # a migration has put a row into some
    columns = table.columns
    if table.name == _SEARCH:
        columns = (*columns, "words")
        rows = ((number, *texts, indexed_words(*texts)) for number, *texts in rows)
    target.copy_rows(f'COPY "{table.name}" ({quoted(columns)}) FROM STDIN', rows)
    if table.identity:
        sequence = f"pg_get_serial_sequence('{table.name}', '{table.identity}')"
        target.script(f'SELECT setval({sequence}, max("{table.identity}")) FROM "{table.name}"')
    target.script(f'ANALYZE "{table.name}"')


def compare_rows(source: sqlite3.Connection, target: PgConnection, table: Table) -> int:
    """Compare a table in both databases; return how many rows it has.

    Raises:
        NotCopied: they differ.
    """
    count = 0
    for old, new in zip_longest(read_rows(source, table), _rows(target, table)):
        if old != new:
            key = [dict(zip(table.columns, old or new or (), strict=True))[column] for column in table.key]
            raise NotCopied(f"the copy would differ from the file in {table.name} {key}", REPORT)
        count += 1
    return count


def _rows(target: PgConnection, table: Table) -> Iterator[Row]:
    cursor = f'"{table.name} compared"'
    target.script(f"DECLARE {cursor} NO SCROLL CURSOR FOR {table.select}")
    while rows := target.execute(f"FETCH {FETCHED} FROM {cursor}").fetchall():
        yield from rows
    target.script(f"CLOSE {cursor}")


def _without(value: Any, ignored: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        for text in ignored:
            value = value.replace(text, "")
    return value
