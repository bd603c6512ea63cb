"""Nodes by leases: rows that are renewed by the database's clock, and ended by whoever finds them over.

A renewal is one statement on a connection of its own, and waits for nobody. A node is ended under the lock of writes:
from the commit on, each group of writes of that epoch is refused.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import psycopg

from supervisor.protocol.errors import ConfigError, StorageError
from supervisor.store.cluster.nodes import ADD, COLUMNS, is_dead, row_of, to_nodes
from supervisor.store.engine import Database
from supervisor.store.ports.cluster.nodes import LONG_WAIT_MS, ClusterStanding, Fenced, NewNode, Node, NodeNotFound
from supervisor.store.ports.cluster.places import OF_CHANNEL
from supervisor.store.postgres.connection import PgConnection
from supervisor.store.postgres.errors import storage_error
from supervisor.store.postgres.thread import PgThread
from supervisor.store.transaction import Reader, Transaction

T = TypeVar("T")

logger = logging.getLogger(__name__)

WRITE_LOCK = 7_305_804_385_002
"""The advisory lock of each group of writes: one at a time in the whole cluster."""

NOW = "CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS BIGINT)"
"""The clock of the server, in milliseconds UTC: the only one by which leases are measured."""
_LIVE = f"SELECT {NOW}, {COLUMNS} FROM nodes ORDER BY epoch"
_NAMESAKE = f"SELECT seat, until_ms - {NOW} FROM nodes WHERE name = ?"
_END = "DELETE FROM nodes WHERE name = ?"
_DRAIN = "UPDATE nodes SET draining = 1 WHERE name = ?"
_RENEW = f"UPDATE nodes SET until_ms = {NOW} + ? WHERE epoch = ?"
_LEAVE = "DELETE FROM nodes WHERE epoch = ?"
# While the server was away, nobody could renew.
_END_DEAD = f"""
    DELETE FROM nodes
    WHERE until_ms < {NOW} AND epoch <> :epoch
      AND extract(epoch FROM pg_postmaster_start_time()) * 1000 < {NOW} - CAST(:lease_ms AS BIGINT)
    RETURNING {NOW}, {COLUMNS}
"""
_WAY = "SELECT 1"
_HAS_NODES = "SELECT to_regclass('nodes') IS NOT NULL"
_END_OVER = f"DELETE FROM nodes WHERE name <> ? AND until_ms <= {NOW}"
_OTHERS = "SELECT name FROM nodes WHERE name <> ? ORDER BY name"

_CLOCK = f"SELECT {NOW}"
_WRITER = f"""
    SELECT coalesce(a.application_name, ''),
           CAST(floor(extract(epoch FROM clock_timestamp() - a.xact_start) * 1000) AS BIGINT)
    FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()
      AND (CAST(l.classid AS BIGINT) << 32) + CAST(l.objid AS BIGINT) = {WRITE_LOCK}
"""
_SETTINGS = """
    SELECT name, setting FROM pg_settings
    WHERE name IN ('fsync', 'full_page_writes', 'server_version', 'synchronous_standby_names', 'max_connections')
"""

_ABANDONED = f"SELECT place FROM places WHERE {is_dead()} ORDER BY place"
_LED = "SELECT place FROM places WHERE place LIKE ? AND epoch IN (SELECT epoch FROM nodes) ORDER BY place"
_WAITING = """
    SELECT DISTINCT project FROM turns
    WHERE state = 'pending' AND project <> '' AND accepted_ms < ?
      AND lane NOT IN (SELECT lane FROM turns WHERE state IN ('running', 'waiting')) ORDER BY project
"""


def fence(epoch: int) -> str:
    """Return the query that says whether an epoch lives."""
    return f"SELECT EXISTS (SELECT 1 FROM nodes WHERE epoch = {epoch:d})"


def others(connection: PgConnection, node: NewNode) -> list[str]:
    """Return the names of the other nodes; end those whose leases are over. The database may be older than leases."""
    if not connection.execute(_HAS_NODES).fetchone()[0]:
        return []
    connection.execute(_END_OVER, (node.name,))
    return [name for (name,) in connection.execute(_OTHERS, (node.name,)).fetchall()]


def join(connection: PgConnection, node: NewNode, epoch: int) -> None:
    """Add a node, in the open transaction, which holds the lock of writes.

    A node of the same name is ended, if its lease is over or this one has its seat: then the lock of their state.dir
    shows that it is dead.

    Raises:
        ConfigError: a node of this name lives elsewhere.
    """
    found = connection.execute(_NAMESAKE, (node.name,)).fetchone()
    if found is not None:
        seat, left_ms = found
        if seat != node.seat and left_ms > 0:
            raise ConfigError(
                "node.name",
                f"another node named {node.name!r} works on this database from another machine or state.dir",
                f"give each node a name of its own; if that one is gone, try again in {left_ms // 1000 + 1} s",
            )
        connection.execute(_END, (node.name,))
    connection.execute(ADD, row_of(node, epoch, 0))
    connection.execute(_RENEW, (_lease_ms(node), epoch))


class FencedDatabase(Database, Protocol):
    """A database that refuses the writes of a node that was taken over."""

    fenced: Callable[[], None]
    """Called in the event loop each time that it has refused one."""


class PostgresNodes:
    """`NodeStore` over leases."""

    def __init__(self, database: FencedDatabase, node: NewNode, opened: Callable[[str], PgConnection]) -> None:
        self._database = database
        self._node = node
        self._opened = opened
        self._left = False
        self._since = 0.0  # since when the way to the database works, by `time.monotonic`
        self._thread = PgThread("xswarm lease", self._connected)

    async def live(self) -> list[Node]:
        """Return the nodes whose rows stand, the one that joined first at the head."""
        return await self._database.read(_live)

    async def renew(self) -> list[Node]:
        """Extend the lease of this node by its whole length; return the nodes as `live` does."""

        def work(connection: PgConnection) -> list[Node]:
            if connection.execute(_RENEW, (_lease_ms(self._node), self._database.epoch)).rowcount == 0:
                raise Fenced
            return _live(connection)

        return await self._run(work)

    async def end_dead(self, *, now_ms: int) -> list[Node]:
        """End the nodes whose leases are over; return them."""
        asked = time.monotonic()
        await self._run(lambda connection: connection.execute(_WAY))  # notices that the connection was lost
        if asked - self._since < self._node.lease_seconds:
            return []  # the way to the database was away, perhaps for the others too

        def work(tx: Transaction) -> list[Node]:
            if self._is_slow(asked):
                return []  # it may have been away since
            values = {"epoch": tx.epoch, "lease_ms": _lease_ms(self._node)}
            dead = _to_nodes(tx.execute(_END_DEAD, values).fetchall())
            for node in dead:
                tx.record("supervisor", "node.ended", {"node": node.name, "epoch": node.epoch}, now_ms)
            return dead

        return await self._database.write(work)

    def on_fenced(self, listener: Callable[[], None]) -> None:
        """Call `listener` in the event loop each time that a write of this node is refused as `Fenced`."""
        self._database.fenced = listener

    async def drain(self, name: str, *, by: str, now_ms: int) -> None:
        """Ask a node to end its turns and stop."""
        await self._on(name, _DRAIN, "node.draining", by, now_ms)

    async def fence(self, name: str, *, by: str, now_ms: int) -> None:
        """End a node, whatever is left of its lease."""
        await self._on(name, _END, "node.fenced", by, now_ms)

    async def standing(self) -> ClusterStanding:
        """Return how the server does."""
        return await self._database.read(_standing)

    async def leave(self) -> None:
        """End this node, so that nobody waits for the end of its lease, and close the connection. May run twice."""
        if self._left:
            return
        self._left = True
        try:
            await self._run(lambda connection: connection.execute(_LEAVE, (self._database.epoch,)).rowcount)
        except StorageError as error:
            logger.warning("the other nodes wait for the end of this node's lease: %s", error)
        finally:
            await self._thread.close()

    async def _on(self, name: str, sql: str, event: str, by: str, now_ms: int) -> None:
        def work(tx: Transaction) -> None:
            if tx.execute(sql, (name,)).rowcount == 0:
                raise NodeNotFound(name)
            tx.record(by, event, {"node": name}, now_ms)

        await self._database.write(work)

    async def _run(self, work: Callable[[PgConnection], T]) -> T:
        def timed(thread: PgThread) -> T:
            connection = thread.connection()
            asked = time.monotonic()
            result = work(connection)
            if self._is_slow(asked):
                self._since = time.monotonic()
            return result

        try:
            return await self._thread.run(timed)
        except (psycopg.Error, OSError) as error:
            self._since = time.monotonic()
            raise storage_error(error) from error

    def _is_slow(self, asked: float) -> bool:
        """Return whether a node that lives may not have renewed since a time, because its way was as slow as ours."""
        return time.monotonic() - asked > self._node.lease_seconds / 2

    def _connected(self, name: str) -> PgConnection:
        """Open the connection. What it writes need not outlive a crash of the server: then all get time to renew."""
        connection = self._opened(name)
        connection.script("SET synchronous_commit = off; SET lock_timeout = '1s'; SET statement_timeout = '2s'")
        self._since = time.monotonic()
        return connection


def _standing(connection: Reader) -> ClusterStanding:
    before = time.time_ns()
    (clock_ms,) = connection.execute(_CLOCK).fetchone()
    ours_ms = (before + time.time_ns()) // 2_000_000
    writer = connection.execute(_WRITER).fetchone()
    name, held_ms = writer if writer is not None else ("", 0)
    channel = len(OF_CHANNEL)
    return ClusterStanding(
        behind_ms=clock_ms - ours_ms,
        writer=name,
        held_ms=held_ms,
        settings=dict(connection.execute(_SETTINGS).fetchall()),
        abandoned=[place for (place,) in connection.execute(_ABANDONED)],
        led=[place[channel:] for (place,) in connection.execute(_LED, (f"{OF_CHANNEL}%",))],
        waiting=[project for (project,) in connection.execute(_WAITING, (clock_ms - LONG_WAIT_MS,))],
    )


def _lease_ms(node: NewNode) -> int:
    return round(node.lease_seconds * 1000)


def _live(connection: Reader) -> list[Node]:
    return _to_nodes(connection.execute(_LIVE).fetchall())


def _to_nodes(rows: list[Any]) -> list[Node]:
    return [node for now_ms, *row in rows for node in to_nodes([tuple(row)], now_ms)]
