"""How the server of the database does that all nodes work on, and the nodes that live, by its clock."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

from supervisor.store.cluster.nodes import COLUMNS, is_dead, to_nodes
from supervisor.store.ports.cluster.nodes import LONG_WAIT_MS, ClusterStanding, Node, served_by
from supervisor.store.ports.cluster.resources import OF_CHANNEL
from supervisor.store.transaction import Reader

WRITE_LOCK = 7_305_804_385_002
"""The advisory lock of each group of writes: one at a time in the whole cluster."""

NOW = "CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS BIGINT)"
"""The clock of the server, in milliseconds UTC: the only one by which leases are measured."""
RETURNED = f"{NOW}, {COLUMNS}"
"""The columns of a node."""

_LIVE = f"SELECT {RETURNED} FROM nodes ORDER BY epoch"
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
_OWNED = "SELECT n.name, p.place FROM places AS p JOIN nodes AS n ON n.epoch = p.epoch ORDER BY p.place"
_WAITING = """
    SELECT DISTINCT project FROM turns
    WHERE state = 'pending' AND project <> '' AND project NOT LIKE '~%' AND accepted_ms < ?
      AND lane NOT IN (SELECT lane FROM turns WHERE state IN ('running', 'waiting')) ORDER BY project
"""


def live(connection: Reader) -> list[Node]:
    """Return the nodes whose rows stand, the one that joined first at the head."""
    return to_live(connection.execute(_LIVE).fetchall())


def to_live(rows: list[Any]) -> list[Node]:
    """Return the nodes of rows with `RETURNED`."""
    return [node for now_ms, *row in rows for node in to_nodes([tuple(row)], now_ms)]


def standing(connection: Reader) -> ClusterStanding:
    """Return how the server does."""
    before = time.time_ns()
    (clock_ms,) = connection.execute(_CLOCK).fetchone()
    ours_ms = (before + time.time_ns()) // 2_000_000
    writer = connection.execute(_WRITER).fetchone()
    name, held_ms = writer if writer is not None else ("", 0)
    owned: defaultdict[str, list[str]] = defaultdict(list)
    for node, resource in connection.execute(_OWNED).fetchall():
        owned[node].append(resource)
    resources = sorted(resource for of_node in owned.values() for resource in of_node)
    served = served_by(live(connection))
    return ClusterStanding(
        behind_ms=clock_ms - ours_ms,
        writer=name,
        held_ms=held_ms,
        settings=dict(connection.execute(_SETTINGS).fetchall()),
        abandoned=[resource for (resource,) in connection.execute(_ABANDONED)],
        owned=dict(owned),
        led=[resource.removeprefix(OF_CHANNEL) for resource in resources if resource.startswith(OF_CHANNEL)],
        waiting=[
            project
            for (project,) in connection.execute(_WAITING, (clock_ms - LONG_WAIT_MS,)).fetchall()
            if served is not None and project not in served
        ],
    )
