"""What tells whether two nodes have the same keys: check values, from which no key can be found."""

from __future__ import annotations

import hmac

from supervisor.runtime.credentials import Credentials
from supervisor.runtime.state import AUDIT_SECRET, audit_key
from supervisor.store.port import Store
from supervisor.store.ports.cluster.nodes import OF_AUDIT, KeyChecks

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


async def note_audit_key(store: Store, credentials: Credentials) -> None:
    """Generate the key of the audit trail where there is none yet; where nodes may join, note its check value.

    No node with another key can join meanwhile: one with the cluster's secret has noted its key, and beside one without
    it no other joins.

    Raises:
        ConfigError: the key cannot be read or written.
        StorageError: the mark could not be read or written.
    """
    key = audit_key(credentials)
    if store.notices is not None and await store.keys.get_mark(OF_AUDIT) is None:
        await store.keys.set_mark(OF_AUDIT, _check_of(key))


def _check_of(key: bytes) -> int:
    """Return a number of 63 bits, which every database can hold."""
    return int.from_bytes(hmac.digest(key, _FIXED, "sha256")[:8]) >> 1
