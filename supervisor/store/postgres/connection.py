"""One connection to PostgreSQL: how values are written and read, and what is set for every connection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumper

from supervisor.store.postgres.statements import translated
from supervisor.store.transaction import Row, Rows

PREPARED_STATEMENTS = 512

_SETTINGS = """
    SET synchronous_commit = on;
    SET lock_timeout = '10s';
    SET idle_in_transaction_session_timeout = '30s';
    SET client_encoding = 'UTF8';
    SET timezone = 'UTC';
    SET standard_conforming_strings = on;
"""
# A server that vanishes without a word is noticed within 10 seconds.
_NETWORK: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_BIGINT = 20
"""The number of the type `bigint`."""


class _BoolDumper(Dumper):
    """Writes a bool as 0 or 1: flags are integers in both engines."""

    oid = _BIGINT

    def dump(self, obj: bool) -> Buffer:
        return b"1" if obj else b"0"


class _IntegralLoader(Loader):
    """Reads the sum of integers, which is a `numeric`."""

    def load(self, data: Buffer) -> int:
        return int(bytes(data))


class PgConnection:
    """An open connection; each statement commits by itself unless a transaction was begun.

    Args:
        url: of the database, without its password.
        name: by which the server's administrator sees the connection.
        password: None = as libpq finds it, or none is needed.
    """

    def __init__(self, url: str, name: str, password: str | None = None) -> None:
        options = {**_NETWORK, "application_name": name}
        if password is not None:
            options["password"] = password
        self._raw = psycopg.Connection[Row].connect(url, autocommit=True, cursor_factory=psycopg.RawCursor, **options)
        self._raw.prepare_threshold = 0
        self._raw.prepared_max = PREPARED_STATEMENTS
        adapters = self._raw.adapters
        adapters.register_dumper(str, StrDumper)
        adapters.register_dumper(int, Int8Dumper)
        adapters.register_dumper(bool, _BoolDumper)
        adapters.register_loader("numeric", _IntegralLoader)
        self.script(_SETTINGS)

    @property
    def closed(self) -> bool:
        """Whether the connection is gone."""
        return self._raw.closed

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._raw.info.transaction_status != psycopg.pq.TransactionStatus.IDLE

    def execute(self, sql: str, parameters: Any = (), /) -> Rows:
        """Run a statement of the store."""
        statement = translated(sql)
        return self._raw.execute(statement.text, statement.values(parameters))

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> object:
        """Run a statement of the store once for each of several rows of values."""
        statement = translated(sql)
        with self._raw.cursor() as cursor:
            cursor.executemany(statement.text, [statement.values(each) for each in parameters])
        return None

    def insert_numbered(self, sql: str, values: Row, column: str) -> int:
        """Insert a row; return what the database put in a column."""
        return int(self.execute(f"{sql} RETURNING {column}", values).fetchone()[0])

    def copy_rows(self, sql: str, rows: Iterable[Row], /) -> None:
        """Write rows by `COPY ... FROM STDIN`."""
        with self._raw.cursor() as cursor, cursor.copy(sql.encode()) as copy:
            for row in rows:
                copy.write_row(row)

    def script(self, sql: str) -> Row | None:
        """Run several statements in one message; return the first row of the last that has one."""
        cursor = self._raw.execute(sql.encode(), prepare=False)
        row: Row | None = None
        more: bool | None = True
        while more:
            if cursor.description is not None:
                row = cursor.fetchone()
            more = cursor.nextset()
        return row

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when the server sends something unasked."""
        return self._raw.fileno()

    def heard(self) -> list[str]:
        """Return the payloads of the notifications that have come; it does not wait.

        Raises:
            psycopg.OperationalError: the connection is lost.
        """
        raw, payloads = self._raw.pgconn, []
        raw.consume_input()
        while (notification := raw.notifies()) is not None:
            payloads.append(notification.extra.decode())
        return payloads

    def cancel(self) -> None:
        """Ask the server to end the statement that runs; may be called from another thread."""
        self._raw.cancel_safe(timeout=5)

    def close(self) -> None:
        """Close the connection. May be called twice."""
        self._raw.close()
