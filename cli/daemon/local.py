"""The admin API without a daemon: the same calls on the database itself, under the daemon's lock."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Any

from supervisor import maintenance
from supervisor.config import Config
from supervisor.doctor import doctor


def call(config: Config, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, dict[str, Any]]:
    """Return status and body of an admin request.

    Raises:
        XswarmError: a daemon holds the lock, or the database cannot be used.
    """
    return asyncio.run(maintenance.call(config, method, path, body))


def examine(config_file: Path | None, *, offline: bool) -> list[dict[str, Any]]:
    """Return the checks of the doctor, each as {name, status, detail, remedy}."""
    return [asdict(check) for check in asyncio.run(doctor.examine(config_file, offline=offline))]
