"""Other versions of the program: an older state of it, and later ones that carry one more migration."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest

from supervisor.store.postgres import migrate
from tests.e2e.process import ROOT

OLDER = "f8210414a9685e9ed8fbe53c2d900c13bf5790ec"
"""A state of the program before this one, whose migrations this one continues."""

EXPANDS = """\
-- expands: what a later version writes beside what this one does.
CREATE TABLE later (id BIGINT PRIMARY KEY);
ALTER TABLE turns ADD COLUMN later TEXT COLLATE "C" NOT NULL DEFAULT '';
"""
TAKES_AWAY = """\
-- needs {number:04}: nothing that a test looks at.
DROP VIEW IF EXISTS earlier;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of the program.

    Attributes:
        number: what its nodes say that they are.
        schema: the number of its newest migration.
        environment: of a node, and of the command line beside it.
    """

    number: str
    schema: int
    environment: Mapping[str, str]


def this_version() -> Version:
    """Return the version that is tested."""
    return Version(number=version("xswarm"), schema=migrate.released()[-1].version, environment=_found_in(ROOT))


def older_version(folder: Path) -> Version:
    """Return a real older one, from the history of the sources; where they have none, skip the test."""
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]
    names = packages["build"]["targets"]["wheel"]["packages"]
    archived = subprocess.run(
        ["git", "-C", str(ROOT), "archive", "--format=tar", OLDER, "--", *names], capture_output=True, check=False
    )
    if archived.returncode:
        pytest.skip(f"the sources have no history back to {OLDER[:8]}: {archived.stderr.decode().strip()}")
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as archive:
        archive.extractall(folder, filter="data")
    schema = max(int(file.name[:4]) for file in (folder / "migrations" / "postgres").glob("*.sql"))
    assert schema < this_version().schema, "an upgrade from it migrates nothing"
    return _named(folder, "0.0.9", schema, folder)


def later_version(folder: Path, sql: str = EXPANDS) -> Version:
    """Return this version with one more migration, as the next release has it.

    Args:
        sql: of the migration; `{number}` in it is its number.
    """
    schema = this_version().schema + 1
    shutil.copytree(ROOT / "migrations", folder / "migrations")
    (folder / "migrations" / "postgres" / f"{schema:04}_later.sql").write_text(sql.format(number=schema))
    return _named(folder, "99.0", schema, folder, ROOT)


def _named(folder: Path, number: str, schema: int, *folders: Path) -> Version:
    """Return a version that says its number, as an installed one does by its metadata."""
    metadata = folder / f"xswarm-{number}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: xswarm\nVersion: {number}\n", encoding="utf-8")
    return Version(number=number, schema=schema, environment=_found_in(*folders))


def _found_in(*folders: Path) -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join(map(str, folders))}
