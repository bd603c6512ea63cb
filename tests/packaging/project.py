"""The project's own tree, as the packaging tests look at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

SHIPPED = ("supervisor", "channels", "connectors", "cli", "migrations")
"""The five top-level folders that are import packages."""

PACKAGES = (*SHIPPED, "tests", "benchmarks")


def python_files(*packages: str) -> Iterator[Path]:
    """Yield the Python files of `packages`, relative to the root, sorted."""
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT)
