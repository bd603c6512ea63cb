"""The keys that all nodes have in common, as check values in the database: a node with other keys does not join."""

from __future__ import annotations

from supervisor.protocol.errors import ConfigError
from supervisor.store.ports.cluster.nodes import NewNode
from supervisor.store.postgres.connection import PgConnection
from supervisor.store.transaction import Transaction

CLUSTER_SECRET = "XSWARM_CLUSTER_SECRET"  # noqa: S105 - a variable's name

OF_CLUSTER, OF_AUDIT = "key of the cluster", "key of the audit trail"
"""Names of the marks that hold the check values."""

_GET = "SELECT value FROM marks WHERE name = ?"
_SET = "INSERT INTO marks (name, value) VALUES (?, ?)"
_FORGET = "DELETE FROM marks WHERE name = ?"
_BESIDE = "SELECT name FROM nodes WHERE name <> ? AND seat <> '' ORDER BY name"


def compare_keys(connection: PgConnection, node: NewNode) -> None:
    """Compare the keys of a node that joins with those of the others, in the open transaction; the first sets them.

    A visitor compares, and sets nothing.

    Raises:
        ConfigError: they are other ones, or this node has none.
    """
    if node.keys is None:
        return
    _compare(connection, node, OF_CLUSTER, node.keys.cluster, _refused_secret(node.keys.cluster))
    _compare(connection, node, OF_AUDIT, node.keys.audit, _refused_trail())
    if node.keys.cluster is None and node.seat:
        beside = [name for (name,) in connection.execute(_BESIDE, (node.name,)).fetchall()]
        if beside:
            raise ConfigError(
                CLUSTER_SECRET,
                f"is not set, and other nodes work on this database: {', '.join(beside)}",
                "give all nodes the same one of at least 32 bytes",
            )


def forget_keys(tx: Transaction, *, lost: bool) -> None:
    """Let the next node set the check value of the cluster's secret, and where keys are lost, that of the trail too."""
    for name in (OF_CLUSTER, OF_AUDIT) if lost else (OF_CLUSTER,):
        tx.execute(_FORGET, (name,))


def _compare(connection: PgConnection, node: NewNode, name: str, own: int | None, refused: ConfigError) -> None:
    found = connection.execute(_GET, (name,)).fetchone()
    if found is not None:
        if found[0] != own:
            raise refused
    elif own is not None and node.seat:
        connection.execute(_SET, (name, own))


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
