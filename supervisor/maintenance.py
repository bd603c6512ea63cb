"""What is done without a running daemon, under its lock: the routes of the admin API, and the copy to PostgreSQL."""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import Any

from supervisor.cluster.joining import new_node, visitor
from supervisor.cluster.keys import key_checks, note_audit_key
from supervisor.config import Config
from supervisor.operations.administration import administration_of
from supervisor.people.accounts import Accounts
from supervisor.people.identity import Directory
from supervisor.people.projects import Projects
from supervisor.protocol.errors import ConfigError
from supervisor.protocol.times import now_ms
from supervisor.runtime.credentials import CLUSTER_SECRET, Credentials
from supervisor.runtime.lock import StateLock
from supervisor.runtime.state import (
    AUDIT_SECRET,
    DATABASE_FILE,
    STORE_PASSWORD,
    audit_key,
    audit_seal_of,
    check_cluster_secret,
    jwt_key,
    keep_audit_key,
)
from supervisor.store import Store, open_database, open_to_read
from supervisor.store.copying.copied import Copied
from supervisor.store.opening import copy_database
from supervisor.store.ports.people.accounts import OPERATOR
from supervisor.wires.http import in_process
from supervisor.wires.rest.admin.admin import PREFIX, admin_app

ANY_VERSION = (f"{PREFIX}/backup", f"{PREFIX}/check", f"{PREFIX}/audit/")
"""Beginnings of the paths that read tables which no migration has changed, or no table at all."""


NODES = f"{PREFIX}/nodes"


async def call(config: Config, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, dict[str, Any]]:
    """Carry out an admin request; return the HTTP status and the body of the answer.

    A request that only reads leaves the database as it is, its version too. A new state gets its database by the first
    request, whatever that is.

    Raises:
        ConfigError: a daemon holds the lock, or `state.dir` cannot be used.
        StorageError: the database cannot be opened.
    """
    any_version = path.startswith(ANY_VERSION)
    # Who stands by holds the lock and answers nobody; who asks about nodes changes nothing of state.dir.
    beside = bool(config.store.url) and path.startswith(NODES)
    with nullcontext() if beside else StateLock(config.state_dir):
        credentials = Credentials(config.state_dir, os.environ)
        check_cluster_secret(credentials, on_postgres=bool(config.store.url), has_link=bool(config.node.link.host))
        database, used = config.state_dir / DATABASE_FILE, credentials.was_generated(AUDIT_SECRET)
        only_reads = (any_version or method == "GET") and (used or database.exists())
        if only_reads and not config.store.url:
            store: Store = await open_to_read(database, seal=audit_seal_of(credentials), used=used)
        else:
            password = credentials.secret(STORE_PASSWORD)
            store = await open_database(
                config.store.url,
                password,
                database,
                seal=audit_seal_of(credentials),
                used=used,
                node=visitor(config, credentials) if beside else new_node(config, credentials),
            )
        try:
            if not only_reads and not beside:
                await note_audit_key(store.keys, credentials, has_others=store.notices is not None)
            elif not only_reads:
                audit_key(credentials)
            elif not any_version and not config.store.url:  # a server was migrated, or a newer program expanded it
                await _refuse_older(store)
            directory = Directory(
                operator_token=credentials.operator_token(),
                service_token=None,
                jwt_secret=jwt_key(credentials),
            )
            accounts = Accounts(store.accounts, store.audit, directory, Projects(config.projects))
            if not any_version:
                await accounts.reload()
            return await in_process.call(admin_app(administration_of(accounts, store), store), method, path, body)
        finally:
            await store.close()


def copy(config: Config) -> Copied:
    """Move the database of `state.dir` to the PostgreSQL database of `store.url`; see `copy_database`.

    Raises:
        ConfigError: a daemon holds the lock, or there is no `store.url`, or one of the databases has another version.
        StorageError: one of the databases cannot be used, or refused.
    """
    if not config.store.url:
        raise ConfigError(
            "store.url",
            "names no PostgreSQL database to copy to",
            f"set it to a new, empty database, and {STORE_PASSWORD} to its password",
        )
    with StateLock(config.state_dir):
        credentials = Credentials(config.state_dir, os.environ)
        password, path = credentials.secret(STORE_PASSWORD), config.state_dir / DATABASE_FILE
        seal, audit = audit_seal_of(credentials), key_checks(credentials).audit
        return copy_database(config.store.url, password, path, seal=seal, audit=audit)


async def forget_secret(config: Config, *, lost: bool) -> None:
    """Let the cluster have another secret from the next start on, with the audit trail under the key that it has.

    It is done on each machine with the old secret, while no node works. `state.dir` then holds the key of the trail.

    Args:
        lost: the old secret is lost, and the new one is set. Where the key of the trail is lost with it, the entries
            to come do not continue those before.

    Raises:
        ConfigError: a daemon holds the lock, a node works, the database is SQLite, or this node has other keys than
            the cluster.
        StorageError: the database cannot be opened.
    """
    if not config.store.url:
        raise ConfigError("store.url", "names no PostgreSQL database", "SQLite serves one node, which has no secret")
    with StateLock(config.state_dir):
        credentials = Credentials(config.state_dir, os.environ)
        if lost and credentials.cluster_secret() is None:
            raise ConfigError(CLUSTER_SECRET, "is not set", "with --lost, set the new one first")
        node = visitor(config, None if lost else credentials)
        store = await open_database(
            config.store.url,
            credentials.secret(STORE_PASSWORD),
            config.state_dir / DATABASE_FILE,
            seal=audit_seal_of(credentials),
            used=credentials.was_generated(AUDIT_SECRET),
            node=node,
        )
        try:
            if not lost:
                keep_audit_key(credentials)
            await store.nodes.forget_keys(lost=lost, by=OPERATOR, now_ms=now_ms())
        finally:
            await store.close()


async def _refuse_older(store: Store) -> None:
    """Return if the database has the version of this program.

    Raises:
        ConfigError: it is older, or newer.
    """
    current, newest = await store.versions()
    if current != newest:
        raise ConfigError(
            "state.dir",
            f"the database has version {current}, and this command reads version {newest}",
            "start the daemon: it keeps a copy of the database, then migrates it",
        )
