"""The admin API without a daemon: the same answers from the database itself, under the daemon's lock."""

from __future__ import annotations

import asyncio
from typing import Any

from supervisor import maintenance
from supervisor.config import Config


def call(config: Config, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, dict[str, Any]]:
    """Return status and body of an admin request.

    Raises:
        XswarmError: a daemon holds the lock, or the database cannot be used.
    """
    return asyncio.run(maintenance.call(config, method, path, body))
