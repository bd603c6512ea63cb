"""The keys that all nodes have in common, as check values in the database: a node with other keys does not join."""

from __future__ import annotations

from supervisor.protocol.errors import ConfigError
from supervisor.store.ports.cluster.nodes import OF_AUDIT, OF_CLUSTER, NewNode
from supervisor.store.postgres.cluster.standing import NOW
from supervisor.store.postgres.connection import PgConnection
from supervisor.store.transaction import Transaction

CLUSTER_SECRET = "XSWARM_CLUSTER_SECRET"  # noqa: S105 - a variable's name

_GET = "SELECT value FROM marks WHERE name = ?"
_SET = "INSERT INTO marks (name, value) VALUES (?, ?)"
_FORGET = "DELETE FROM marks WHERE name = ?"
# One with the seat of this node is dead: this one has the lock of their state.dir.
_BESIDE = f"SELECT name FROM nodes WHERE name <> ? AND seat NOT IN ('', ?) AND until_ms > {NOW} ORDER BY name"


def compare_keys(connection: PgConnection, node: NewNode) -> None:
    """Compare the keys of a node that joins with those of the others, in the open transaction; the first sets them.

    A visitor compares, and sets nothing.

    Raises:
        ConfigError: they are other ones, or this node has none.
    """
    if node.keys is None:
        return
    own = node.keys.cluster
    is_first = _found(connection, OF_CLUSTER) is None
    _compare(connection, node, OF_CLUSTER, own, _refused_secret(own))
    if is_first and node.seat:
        beside = [name for (name,) in connection.execute(_BESIDE, (node.name, node.seat)).fetchall()]
        if beside:
            raise _refused_beside(own, ", ".join(beside))
    _compare(connection, node, OF_AUDIT, node.keys.audit, _refused_trail())


def forget_keys(tx: Transaction, *, lost: bool) -> None:
    """Let the next node set the check value of the cluster's secret, and where keys are lost, that of the trail too."""
    for name in (OF_CLUSTER, OF_AUDIT) if lost else (OF_CLUSTER,):
        tx.execute(_FORGET, (name,))


def _compare(connection: PgConnection, node: NewNode, name: str, own: int | None, refused: ConfigError) -> None:
    found = _found(connection, name)
    if found is not None:
        if found != own:
            raise refused
    elif own is not None and node.seat:
        connection.execute(_SET, (name, own))


def _found(connection: PgConnection, name: str) -> int | None:
    row = connection.execute(_GET, (name,)).fetchone()
    return None if row is None else int(row[0])


def _refused_beside(own: int | None, names: str) -> ConfigError:
    if own is None:
        return ConfigError(
            CLUSTER_SECRET,
            f"is not set, and other nodes work on this database: {names}",
            "give all nodes the same one of at least 32 bytes; one that was killed no longer counts after its lease",
        )
    return ConfigError(
        CLUSTER_SECRET,
        f"is set here, and nodes that have none work on this database: {names}",
        "stop them, give all nodes the same one, and copy the file secrets/audit from the state.dir of the first one"
        " to the others",
    )


def _refused_secret(own: int | None) -> ConfigError:
    why = "is not set, and the nodes of this database have one" if own is None else "is another one than all nodes have"
    remedy = "give this node that of the others; `xswarm node forget-secret` lets all have another one"
    return ConfigError(CLUSTER_SECRET, why, remedy)


def _refused_trail() -> ConfigError:
    return ConfigError(
        "state.dir",
        "this node would seal the audit trail with another key than the nodes before it",
        "copy the file secrets/audit from the state.dir of a node that works; where none has that file, move the one of"
        " this node away, and set XSWARM_CLUSTER_SECRET",
    )
