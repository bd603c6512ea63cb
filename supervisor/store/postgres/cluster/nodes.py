"""Nodes by leases: rows that are renewed by the database's clock, and ended by whoever finds them over.

A renewal is one statement on a connection of its own, and waits for nobody. A node is ended under the lock of writes:
from the commit on, each group of writes of that epoch is refused.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Collection, Mapping
from typing import Protocol, TypeVar

import psycopg

from supervisor.protocol.errors import ConfigError, StorageError
from supervisor.store.cluster.nodes import ADD, row_of
from supervisor.store.engine import Database
from supervisor.store.ports.cluster.nodes import ClusterStanding, Fenced, NewNode, Node, NodeNotFound
from supervisor.store.postgres.cluster.keys import CLUSTER_SECRET, forget_keys
from supervisor.store.postgres.cluster.standing import NOW, RETURNED, live, standing, to_live
from supervisor.store.postgres.connection import PgConnection
from supervisor.store.postgres.errors import storage_error
from supervisor.store.postgres.thread import PgThread
from supervisor.store.transaction import Transaction

T = TypeVar("T")

logger = logging.getLogger(__name__)

_NAMESAKE = f"SELECT seat, until_ms - {NOW} FROM nodes WHERE name = ?"
# Whose state.dir is not this one and holds the same id; of a node that is renamed the row from before has its seat.
_COPY = f"""
    SELECT name, until_ms - {NOW} FROM nodes
    WHERE keeper = ? AND keeper <> '' AND name <> ? AND seat <> ? AND until_ms > {NOW}
    LIMIT 1
"""
_END = "DELETE FROM nodes WHERE name = ?"
_DRAIN = "UPDATE nodes SET draining = 1 WHERE name = ?"
_RENEW = f"UPDATE nodes SET until_ms = {NOW} + ? WHERE epoch = ?"
_TELL = "UPDATE nodes SET projects = ?, addresses = ? WHERE epoch = ?"
_TELL_SECRETS = "UPDATE nodes SET secrets = ? WHERE epoch = ?"
_LEAVE = "DELETE FROM nodes WHERE epoch = ?"
# While the server was away, nobody could renew.
_END_DEAD = f"""
    DELETE FROM nodes
    WHERE until_ms < {NOW} AND epoch <> :epoch
      AND extract(epoch FROM pg_postmaster_start_time()) * 1000 < {NOW} - CAST(:lease_ms AS BIGINT)
    RETURNING {RETURNED}
"""
_WAY = "SELECT 1"
_HAS_NODES = "SELECT to_regclass('nodes') IS NOT NULL"
_END_OVER = f"DELETE FROM nodes WHERE name <> ? AND until_ms <= {NOW}"
_OTHERS = "SELECT name FROM nodes WHERE name <> ? ORDER BY name"
_WORKING = f"SELECT name FROM nodes WHERE seat <> '' AND until_ms > {NOW} ORDER BY name"


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
        ConfigError: a node of this name lives elsewhere, or one whose state.dir has the same id: it is a copy, or this
            one is.
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
    # Each would resume conversations from transcripts that the other has led on. Which one is the copy only a person
    # knows: a new id for the one that starts later would leave the old ones to the copy, where the copy started first.
    if (copy := connection.execute(_COPY, (node.keeper, node.name, node.seat)).fetchone()) is not None:
        name, left_ms = copy
        raise ConfigError(
            "state.dir",
            f"its file node.id is that of the node {name!r}, which works on this database: one folder is a copy",
            "delete `node.id` in the copy, and start that node again, which then gets an id of its own; "
            f"if {name!r} is gone, try again in {left_ms // 1000 + 1} s",
        )
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
        return await self._database.read(live)

    async def renew(self) -> list[Node]:
        """Extend the lease of this node by its whole length; return the nodes as `live` does."""

        def work(connection: PgConnection) -> list[Node]:
            if connection.execute(_RENEW, (_lease_ms(self._node), self._database.epoch)).rowcount == 0:
                raise Fenced
            return live(connection)

        return await self._run(work)

    async def tell(self, projects: Collection[str], addresses: Collection[str]) -> None:
        """Let the others know whose folders this node has, and the addresses of its machine."""
        await self._say(_TELL, json.dumps(sorted(projects)), json.dumps(sorted(addresses)))

    async def tell_secrets(self, checks: Mapping[str, int]) -> None:
        """Let the others know the check values of this node's secrets, by name."""
        await self._say(_TELL_SECRETS, json.dumps(checks))

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
            dead = to_live(tx.execute(_END_DEAD, values).fetchall())
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

    async def forget_keys(self, *, lost: bool, by: str, now_ms: int) -> None:
        """Let the next node that joins say which cluster's secret all have, while no node works."""

        def work(tx: Transaction) -> None:
            if names := [name for (name,) in tx.execute(_WORKING)]:
                raise ConfigError(
                    CLUSTER_SECRET,
                    f"cannot be changed while nodes work: {', '.join(names)}",
                    "stop all of them first: `xswarm node drain NAME`",
                )
            forget_keys(tx, lost=lost)
            tx.record(by, "node.keys_forgotten", {"lost": lost}, now_ms)

        await self._database.write(work)

    async def standing(self) -> ClusterStanding:
        """Return how the server does."""
        return await self._database.read(standing)

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

    async def _say(self, sql: str, *values: str) -> None:
        """Change what this node says of itself."""

        def work(connection: PgConnection) -> None:
            if connection.execute(sql, (*values, self._database.epoch)).rowcount == 0:
                raise Fenced

        await self._run(work)

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


def _lease_ms(node: NewNode) -> int:
    return round(node.lease_seconds * 1000)
