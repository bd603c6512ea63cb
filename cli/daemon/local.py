"""What needs no daemon: calls of the admin API on the database itself, and its copy."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from supervisor import maintenance
from supervisor.config import Config


def call(config: Config, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, dict[str, Any]]:
    """Return status and body of an admin request.

    Raises:
        XswarmError: a daemon holds the lock, or the database cannot be used.
    """
    return asyncio.run(maintenance.call(config, method, path, body))


def copy(config: Config) -> dict[str, Any]:
    """Copy the database to PostgreSQL; return {tables, rows, problems, file}.

    Raises:
        XswarmError: a daemon holds the lock, or one of the databases cannot be used.
    """
    copied = maintenance.copy(config)
    return asdict(copied) | {"file": str(copied.file)}


def forget_secret(config: Config, *, lost: bool) -> None:
    """Let the cluster have another secret from the next start on.

    Raises:
        XswarmError: a node works, or this machine has other keys than the cluster.
    """
    asyncio.run(maintenance.forget_secret(config, lost=lost))
