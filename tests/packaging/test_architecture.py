"""docs/architecture.md names the packages and files of the tree, and no others."""

from __future__ import annotations

import re

from tests.packaging.project import ROOT

MAX_LINES = 120

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_the_map_is_short_enough_to_be_read() -> None:
    assert len(PAGE.splitlines()) <= MAX_LINES


def test_the_map_has_one_row_for_each_package_of_the_supervisor() -> None:
    rows = re.findall(r"^\| `(\w+)/` \|", PAGE, re.MULTILINE)
    packages = [path.parent.name for path in (ROOT / "supervisor").glob("*/__init__.py")]
    assert sorted(rows) == sorted(packages)


def test_every_path_in_the_map_exists() -> None:
    named = set(re.findall(r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|toml|md|sql|json)|(?:[\w.-]+/)+)`", PAGE))
    bases = (ROOT, ROOT / "supervisor", ROOT / "docs")
    real = [path for path in named if "NAME" not in path and "NNNN" not in path]
    missing = [path for path in real if not any((base / path).exists() for base in bases)]
    assert len(named) > 40
    assert missing == []


def test_every_function_and_class_in_the_map_exists() -> None:
    """`file.py` followed by `Name` or `Name.method` in the same table cell or sentence: the file defines it."""
    for path, name in re.findall(r"`((?:\w+/)+\w+\.py)` `(\w+)(?:\.\w+)?`", PAGE):
        text = (ROOT / "supervisor" / path if (ROOT / "supervisor" / path).exists() else ROOT / path).read_text()
        assert re.search(rf"^\s*(?:class|def|async def) {name}\b|^{name}\b.* = ", text, re.MULTILINE), (path, name)
