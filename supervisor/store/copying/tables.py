"""The tables of a database in PostgreSQL, in an order in which they can be filled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from graphlib import TopologicalSorter

from supervisor.protocol.values.record import record
from supervisor.store.engine import Reader

_COLUMNS = """
    SELECT c.table_name, c.column_name, c.is_identity = 'YES'
    FROM information_schema.columns AS c
    JOIN information_schema.tables AS t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
    WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND c.is_generated = 'NEVER'
      AND c.data_type <> 'tsvector' AND c.table_name NOT IN ('migrations', 'schema')
    ORDER BY c.table_name, c.ordinal_position
"""
_KEYS = """
    SELECT t.relname, a.attname FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid
    JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indisprimary AND t.relnamespace = current_schema()::regnamespace
    ORDER BY t.relname, array_position(i.indkey::int2[], a.attnum)
"""
_REFERENCES = """
    SELECT t.relname, p.relname FROM pg_constraint AS c
    JOIN pg_class AS t ON t.oid = c.conrelid JOIN pg_class AS p ON p.oid = c.confrelid
    WHERE c.contype = 'f' AND t.oid <> p.oid AND t.relnamespace = current_schema()::regnamespace
"""


@record
class Table:
    """A table that both engines have.

    Attributes:
        columns: without those that the database computes itself.
        key: the columns of its primary key.
        identity: the column that the database numbers; empty = none.
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    identity: str

    @property
    def select(self) -> str:
        """The SELECT of all rows, in an order that both engines know: texts are compared by bytes."""
        return f'SELECT {quoted(self.columns)} FROM "{self.name}" ORDER BY {quoted(self.key)}'


def tables_of(connection: Reader) -> list[Table]:
    """Return the tables; each comes after those that it refers to."""
    columns: defaultdict[str, list[str]] = defaultdict(list)
    keys: defaultdict[str, list[str]] = defaultdict(list)
    identities: dict[str, str] = {}
    for table, column, numbered in connection.execute(_COLUMNS).fetchall():
        columns[table].append(column)
        if numbered:
            identities[table] = column
    for table, column in connection.execute(_KEYS).fetchall():
        keys[table].append(column)
    order: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(columns, ()))
    for table, referred in connection.execute(_REFERENCES).fetchall():
        order.add(table, referred)
    return [
        Table(name=name, columns=tuple(columns[name]), key=tuple(keys[name]), identity=identities.get(name, ""))
        for name in order.static_order()
    ]


def quoted(columns: Iterable[str]) -> str:
    """Return the names of columns for a statement."""
    return ", ".join(f'"{column}"' for column in columns)
