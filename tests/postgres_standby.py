"""A PostgreSQL server with a synchronous standby, for tests in which the first one dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.postgres_server import SETTINGS, PostgresServer, postgres_server, skipped_without, unused_server
from tests.waiting import wait_until

REPLICATION = {**SETTINGS, "wal_level": "replica", "max_wal_senders": "4"}
"""The same for both: a standby refuses less than its primary has."""

IS_SYNCHRONOUS = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"


@contextmanager
def started_pair() -> Iterator[tuple[PostgresServer, PostgresServer]]:
    """Start a primary and its synchronous standby; skip the test where none can be started."""
    with (
        skipped_without(),
        postgres_server(settings=REPLICATION) as primary,
        unused_server(settings=REPLICATION) as standby,
    ):
        source = ("-h", "127.0.0.1", "-p", str(primary.port), "-U", "xswarm")
        standby.run("pg_basebackup", "-D", str(standby.folder / "data"), "-R", "-c", "fast", *source)
        with standby.running():
            demand_standby(primary)
            yield primary, standby


def demand_standby(primary: PostgresServer) -> None:
    """Let each commit wait for the standby from now on."""
    with psycopg.connect(primary.url("postgres"), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        connection.execute("SELECT pg_reload_conf()")
        wait_until(lambda: connection.execute(IS_SYNCHRONOUS).fetchone(), "the standby is synchronous", 30.0)


def promote(standby: PostgresServer) -> None:
    """Make a standby the primary; its own commits wait for nobody."""
    standby.control("promote")
