"""Numbered SQL files, each applied once; what both engines check about them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from supervisor.protocol.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file of `migrations/`."""

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """The hash of the whole file, comments included: a released file must not change."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def refuse_newer(key: str, current: int, newest: int) -> None:
    """Check that this program knows the version of a database.

    Args:
        key: of the setting that names the database.

    Raises:
        ConfigError: a newer program wrote it.
    """
    if current > newest:
        raise ConfigError(
            key,
            f"the database has version {current}, this program knows only up to {newest}",
            "start the newer xswarm that wrote it, or restore a backup from before it",
        )


def compare_applied(key: str, migrations: Iterable[Migration], applied: Mapping[int, str]) -> None:
    """Check that a database was made with the migrations that this program carries.

    Raises:
        ConfigError: a released migration was edited.
    """
    for migration in migrations:
        if applied.get(migration.version) != migration.sha256:
            raise ConfigError(
                key,
                f"migration {migration.name} is not the one that the database was made with",
                "install xswarm again; a released migration is never edited",
            )
