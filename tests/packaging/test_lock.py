"""requirements.lock pins every requirement of pyproject.toml, and names no index or path of a machine."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.project import ROOT

LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WANTED = [
    *PROJECT["project"]["dependencies"],
    *PROJECT["dependency-groups"]["dev"],
    *PROJECT["build-system"]["requires"],
]


def pins() -> dict[str, tuple[str, int]]:
    """Return version and number of hashes of each locked package."""
    entries = re.findall(r"^([a-z0-9-]+)==(\S+)[^\n]*\\\n((?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", LOCK, re.M)
    return {name: (version, hashes.count("--hash")) for name, version, hashes in entries}


@pytest.mark.parametrize("wanted", WANTED)
def test_requirement_is_pinned_within_its_bounds(wanted: str) -> None:
    requirement = Requirement(wanted)
    version, hashes = pins()[canonicalize_name(requirement.name)]
    assert version in requirement.specifier
    assert hashes > 0


def test_lock_holds_pins_hashes_and_comments_only() -> None:
    # No index, no address, no path, no option of the machine that resolved it.
    lines = [line for line in LOCK.splitlines() if not re.match(r" *#| +--hash=sha256:", line)]
    assert len(lines) == len(pins())
    assert "://" not in LOCK
    assert not re.search(r"(^|\s)/", LOCK)
