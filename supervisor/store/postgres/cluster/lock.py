"""The lock of writes: how long a node waits for it and may hold it, and how it is taken from a dead node."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from psycopg import errors

from supervisor.store.postgres.cluster.standing import NOW, WRITE_LOCK
from supervisor.store.postgres.connection import PgConnection

T = TypeVar("T")

logger = logging.getLogger(__name__)

LOOK_SECONDS = 3.0
"""After such a time without the lock, somebody looks who holds it."""
PATIENCE_SECONDS = 10.0
"""After such a time without the lock, a write is refused."""
HELD_SECONDS = 4.0
"""The server ends a connection that holds the lock and says nothing for so long: its node was stopped, or is cut off.
It is shorter than a lease."""

# PostgreSQL 17 also ends a transaction that goes on for too long.
_SETTINGS = """
    SET application_name = 'xswarm writer/{epoch}';
    SET lock_timeout = '{look_ms}ms';
    SET idle_in_transaction_session_timeout = '{held_ms}ms';
    SELECT set_config('transaction_timeout', '10s', FALSE)
    WHERE CAST(current_setting('server_version_num') AS INTEGER) >= 170000;
"""
_END_DEAD_HOLDER = f"""
    SELECT pg_terminate_backend(l.pid), a.application_name
    FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()
      AND (CAST(l.classid AS BIGINT) << 32) + CAST(l.objid AS BIGINT) = {WRITE_LOCK}
      AND CAST(substring(a.application_name FROM '^xswarm writer/([0-9]+)$') AS BIGINT)
          NOT IN (SELECT epoch FROM nodes WHERE until_ms > {NOW})
"""


def prepare_writer(connection: PgConnection, epoch: int) -> None:
    """Prepare a connection that takes the lock of writes; the server shows the epoch of its node."""
    look_ms, held_ms = round(LOOK_SECONDS * 1000), round(HELD_SECONDS * 1000)
    connection.script(_SETTINGS.format(epoch=epoch, look_ms=look_ms, held_ms=held_ms))


def patiently(begin: Callable[[], T], connection: Callable[[], PgConnection]) -> T:
    """Begin a transaction that waits for the lock; take it from a node whose lease is over.

    Raises:
        psycopg.errors.LockNotAvailable: a node that lives holds it for too long.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return begin()
        except errors.LockNotAvailable:
            ended = connection().execute(_END_DEAD_HOLDER).fetchall()
            for _, name in ended:
                logger.warning("%s held the lock of writes after its lease was over: its connection was ended", name)
            if time.monotonic() >= until:
                raise
