"""Opens the database that is configured, whichever engine it is in."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import cast

from supervisor.protocol.errors import ConfigError
from supervisor.store.copying.copied import Copied
from supervisor.store.inspection import Inspection, inspect
from supervisor.store.port import Store
from supervisor.store.ports.cluster.nodes import ALONE, NewNode
from supervisor.store.sqlite.store import open_store
from supervisor.store.transaction import Seal


async def open_database(
    url: str,
    password: str | None,
    path: Path,
    *,
    seal: Seal,
    crash: Callable[[str], None] | None = None,
    used: bool = False,
    node: NewNode = ALONE,
) -> Store:
    """Open or create a database, bring it to this version, and begin a new epoch.

    Args:
        url: of a PostgreSQL database; empty = the SQLite file at `path`.
        password: for PostgreSQL; None = as its client library finds it (PGPASSFILE), or none is needed.
        seal, crash, used: as of `open_store`.
        node: what this node says of itself to the others on PostgreSQL.

    Raises:
        StorageError: the database cannot be reached or written, or is lost.
        ConfigError: it was written by a newer version, the server is not fit, the driver is not installed, or other
            nodes are in the way.
    """
    if not url:
        return await open_store(path, seal=seal, crash=crash, used=used)
    engine = _engine("postgres.store")
    address = engine.Address(url, password, node)
    return cast(Store, await engine.open_postgres(address, seal=seal, crash=crash, used=used))


def inspect_database(url: str, password: str | None, path: Path, *, used: bool = False) -> Inspection:
    """Inspect a database without using it.

    Args:
        url, password, path: as of `open_database`.
        used: whether it has been used before, so that a missing or empty one is a lost one.

    Raises:
        NoDatabase: it does not exist yet, or is empty.
        StorageError: it cannot be reached or read, or is lost.
        ConfigError: it was written by a newer version, the server is not fit, or the driver is not installed.
    """
    if not url:
        return inspect(path, used=used)
    engine = _engine("postgres.inspection")
    return cast(Inspection, engine.inspect(engine.Address(url, password), used=used))


def copy_database(url: str, password: str | None, path: Path, *, seal: Seal, audit: int | None) -> Copied:
    """Copy the SQLite file at `path`, which no daemon uses, to an empty PostgreSQL database; compare, then rename it.

    It takes minutes for a large database. An interrupted copy leaves nothing behind.

    Args:
        url, password, seal: as of `open_database`.
        audit: the check value of the key of `seal`; None = there is none yet.

    Raises:
        NoDatabase: there is no file.
        StorageError: one of the databases cannot be used, or refused.
        ConfigError: one of them has another version, the server is not fit, or the driver is not installed.
    """
    engine = _engine("copying.copy")
    return cast(Copied, engine.copy(engine.Address(url, password), path, seal, audit))


def _engine(noun: str) -> ModuleType:
    """Return a module that needs PostgreSQL's driver; it is loaded where it is used: the driver is an extra."""
    try:
        return importlib.import_module(f"supervisor.store.{noun}")
    except ImportError as error:
        raise ConfigError(
            "store.url", f"PostgreSQL needs a driver: {error}", 'install it: pip install "xswarm[postgres]"'
        ) from error
