"""What `state.dir` holds, and the keys to it: used by the daemon, by the command line without a daemon, by doctor."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from supervisor.protocol.errors import ConfigError
from supervisor.runtime.credentials import CLUSTER_SECRET, SHORTEST_SECRET, Credentials

DATABASE_FILE = "xswarm.db"

AUDIT_SECRET = "audit"  # noqa: S105 - a file's name
"""Name of the secret that seals the audit trail."""

STORE_PASSWORD = "XSWARM_STORE_PASSWORD"  # noqa: S105 - a variable's name
"""The variable with the password of a PostgreSQL database."""

ADDRESSES_FILE = "addresses.json"
"""Written by a daemon that is ready: its process id, its URLs, and the path of the operator's token."""

DEMO_FOLDER = "demo"
"""The state of `xswarm serve --demo`, below `state.dir`."""

TOOL_SERVERS = "servers"
"""Holds a folder for the data of each tool server that is a program."""


def audit_seal(key: bytes) -> Callable[[bytes, bytes], bytes]:
    """Return the function that seals an audit row: HMAC-SHA-256 over the seal of the row before and this row."""
    keyed = hmac.new(key, digestmod="sha256")

    def seal(before: bytes, content: bytes) -> bytes:
        mac = keyed.copy()  # the key is hashed once, not once a row
        mac.update(before + content)
        return mac.digest()

    return seal


def audit_seal_of(credentials: Credentials) -> Callable[[bytes, bytes], bytes]:
    """Return a seal that reads or generates the key of the audit trail when it is first used.

    The secret must be younger than the database: where there is a secret, an empty database is a lost one.
    """
    seals: list[Callable[[bytes, bytes], bytes]] = []

    def seal(before: bytes, content: bytes) -> bytes:
        if not seals:
            seals.append(audit_seal(audit_key(credentials)))
        return seals[0](before, content)

    return seal


def audit_key(credentials: Credentials) -> bytes:
    """Return the key of the audit trail: that of state.dir where there is one, else the cluster's or a new one.

    A trail that was begun by one node goes on after it has become a cluster; its other nodes get a copy of that file.

    Raises:
        ConfigError: see `Credentials.shared`.
    """
    if credentials.was_generated(AUDIT_SECRET):
        return credentials.generated(AUDIT_SECRET)
    return credentials.shared(AUDIT_SECRET)


def keep_audit_key(credentials: Credentials) -> None:
    """Keep the key of the audit trail in state.dir, so that it stays when the cluster's secret changes.

    Raises:
        ConfigError: see `Credentials.shared`.
    """
    credentials.keep(AUDIT_SECRET, audit_key(credentials))


def check_cluster_secret(credentials: Credentials, *, on_postgres: bool, has_link: bool) -> None:
    """Check that the cluster's secret is there where it is needed, and nowhere else.

    Raises:
        ConfigError: it is set beside SQLite, is missing where there is a link, or is too short.
    """
    secret = credentials.cluster_secret()
    if secret is not None and not on_postgres:
        raise ConfigError(CLUSTER_SECRET, "is for several nodes, and SQLite serves one", "unset it, or set store.url")
    if secret is None and has_link:
        raise ConfigError(
            CLUSTER_SECRET, "is not set, and node.link needs it", "give all nodes the same one of at least 32 bytes"
        )


def jwt_key(credentials: Credentials) -> bytes:
    """Return the key that signs our JWTs: XSWARM_JWT_SECRET, or a generated one.

    Raises:
        ConfigError: XSWARM_JWT_SECRET is too short.
    """
    given = credentials.common("XSWARM_JWT_SECRET")
    if given is None:
        return credentials.shared("jwt")
    if len(given.encode()) < SHORTEST_SECRET:
        raise ConfigError("XSWARM_JWT_SECRET", "must be at least 32 bytes", "unset it: one is generated and kept")
    return given.encode()
