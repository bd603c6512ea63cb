"""What needs no daemon: calls of the admin API on the database itself, its copy, the doctor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from supervisor import maintenance
from supervisor.config import Config
from supervisor.doctor import doctor, trial
from supervisor.protocol.ports.checks import Check


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


def examine(config_file: Path | None, *, offline: bool) -> list[dict[str, Any]]:
    """Return the checks of the doctor, each as {name, status, detail, remedy}."""
    return [asdict(check) for check in asyncio.run(doctor.examine(config_file, offline=offline))]


def try_out(
    config_file: Path, to: Mapping[str, str], *, tell: Callable[[Check], None], ask: Callable[[str], str]
) -> bool:
    """Try channels out, see `supervisor.doctor.trial.try_out`; return whether no step failed.

    Raises:
        XswarmError: the configuration cannot be used, or a secret is not set.
    """
    return asyncio.run(trial.try_out(config_file, to, tell=tell, ask=ask))
