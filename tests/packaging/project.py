"""The project's own tree, as the packaging tests look at it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

SHIPPED = ("supervisor", "channels", "connectors", "cli", "migrations")
"""The five top-level folders that are import packages."""

EXAMPLES = ("examples",)
"""Programs beside the product, under its rules for code, but not in the wheel."""

CLIENT = ("packages/python/xswarm_client",)
"""The package for other programs, under the same rules; it is a distribution of its own."""

PACKAGES = (*SHIPPED, *EXAMPLES, "tests", "benchmarks")
"""The packages that are imported from the root."""


def python_files(*packages: str) -> Iterator[Path]:
    """Yield the Python files of `packages`, relative to the root, sorted."""
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT)


@cache
def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a file, given relative to the root; do not change it: the tests share it."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=str(path))
