"""Numbered SQL files, each applied once; what both engines check about them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from supervisor.protocol.errors import ConfigError

_NEEDS = re.compile(r"-- (?:expands|needs (\d{4}))\b")
"""The mark on the first line of a migration. `expands`: it only adds, and a program of any version before it works on.
`needs NNNN`: it takes away what programs before version NNNN use."""


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

    @property
    def needs(self) -> int:
        """The oldest version of a program that can work on the database after it; 0 = every one that could before."""
        mark = _NEEDS.match(self.sql)
        if mark is None:
            return self.version  # nobody has thought about it
        return int(mark[1] or 0)


def refuse_newer(key: str, current: int, newest: int, *, least: int | None = None) -> None:
    """Check that this program can work on a version of a database.

    Args:
        key: of the setting that names the database.
        least: the oldest version that can; None = the newest alone.

    Raises:
        ConfigError: a newer program wrote it.
    """
    if current > newest and (least is None or least > newest):
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
