"""What tells whether two nodes have the same keys: check values, from which no key can be found."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Mapping, Sequence

from supervisor.runtime.credentials import Credentials
from supervisor.runtime.state import AUDIT_SECRET, audit_key
from supervisor.store.ports.cluster.nodes import OF_AUDIT, KeyChecks, Node, NodeStore
from supervisor.store.ports.keys import IdempotencyStore

logger = logging.getLogger(__name__)

CHECK_SECRET = "check"  # noqa: S105 - the purpose of a derived key

_FIXED = b"xswarm key check"


def key_checks(credentials: Credentials) -> KeyChecks:
    """Return the check values of this node's keys; it generates none.

    Raises:
        ConfigError: the cluster's secret is too short, or the key of the audit trail cannot be read.
    """
    has_secret = credentials.cluster_secret() is not None
    has_audit = has_secret or credentials.was_generated(AUDIT_SECRET)
    return KeyChecks(
        cluster=_check_of(credentials.shared(CHECK_SECRET)) if has_secret else None,
        audit=_check_of(audit_key(credentials)) if has_audit else None,
    )


async def note_audit_key(keys: IdempotencyStore, credentials: Credentials, *, has_others: bool) -> None:
    """Generate the key of the audit trail where there is none yet; where nodes may join, note its check value.

    No node with another key can join meanwhile: one with the cluster's secret has noted its key, and beside one without
    it no other joins.

    Args:
        has_others: whether other nodes may use the database.

    Raises:
        ConfigError: the key cannot be read or written.
        StorageError: the mark could not be read or written.
    """
    key = audit_key(credentials)
    if has_others and await keys.get_mark(OF_AUDIT) is None:
        await keys.set_mark(OF_AUDIT, _check_of(key))


async def tell_secrets(nodes: NodeStore, epoch: int, credentials: Credentials, *, has_others: bool) -> None:
    """Let the other nodes know check values of the secrets that all should have in common; log which of them differ.

    A node starts all the same: such a secret is changed on one node after the other. Call it once all have been read.

    Args:
        epoch: of this node.
        has_others: as of `note_audit_key`.

    Raises:
        StorageError: the nodes could not be read, or not told.
    """
    if not has_others or credentials.cluster_secret() is None:
        return
    await nodes.tell_secrets(secret_checks(credentials))
    for other, names in differing(await nodes.live(), epoch).items():
        logger.warning("%s: other than at node %s; all nodes need the same", ", ".join(names), other)


def secret_checks(credentials: Credentials) -> Mapping[str, int]:
    """Return check values of the secrets that all nodes should have in common, by name; 0 = it is not set.

    Whoever reads them in the database cannot try guesses: they are keyed with the cluster's secret.
    """
    key = credentials.shared(CHECK_SECRET)
    return {
        name: 0 if value is None else _check_of(key, f"{name}={value}".encode())
        for name, value in credentials.commons().items()
    }


def differing(nodes: Sequence[Node], epoch: int) -> dict[str, list[str]]:
    """Return which secrets other nodes have in another value than one, by the name of the node.

    What a node does not use or tell, such as one of an older version, does not differ.
    """
    own = next((node.secrets or {} for node in nodes if node.epoch == epoch), {})
    found = {
        node.name: sorted(name for name, check in (node.secrets or {}).items() if own.get(name, check) != check)
        for node in nodes
    }
    return {node: names for node, names in found.items() if names}


def _check_of(key: bytes, value: bytes = _FIXED) -> int:
    """Return a number of 63 bits, which every database can hold."""
    return int.from_bytes(hmac.digest(key, value, "sha256")[:8]) >> 1
