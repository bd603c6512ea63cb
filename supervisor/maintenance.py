"""The admin API without a running daemon: the same routes on the database, under the lock of the daemon."""

from __future__ import annotations

import os
from typing import Any

from supervisor.config import Config
from supervisor.people.accounts import Accounts
from supervisor.people.identity import Directory
from supervisor.people.projects import Projects
from supervisor.runtime.credentials import Credentials
from supervisor.runtime.lock import StateLock
from supervisor.runtime.state import DATABASE_FILE, audit_seal, jwt_key
from supervisor.store import open_store
from supervisor.wires.http import in_process
from supervisor.wires.rest.admin.admin import admin_app


async def call(config: Config, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, dict[str, Any]]:
    """Carry out an admin request; return the HTTP status and the body of the answer.

    Raises:
        ConfigError: a daemon holds the lock, or `state.dir` cannot be used.
        StorageError: the database cannot be opened.
    """
    with StateLock(config.state_dir):
        credentials = Credentials(config.state_dir, os.environ)
        store = await open_store(config.state_dir / DATABASE_FILE, seal=audit_seal(credentials.generated("audit")))
        try:
            directory = Directory(
                operator_token=credentials.operator_token(),
                service_token=None,
                jwt_secret=jwt_key(credentials),
            )
            accounts = Accounts(store.accounts, store.audit, directory, Projects(config.projects))
            await accounts.reload()
            return await in_process.call(admin_app(accounts, store), method, path, body)
        finally:
            await store.close()
