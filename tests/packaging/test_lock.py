"""requirements.lock pins every requirement of pyproject.toml, and names no index or path of a machine."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.project import ROOT, SHIPPED, python_files

AUTOGEN = sorted(
    f"examples/autogen/requirements/{path.name}" for path in ROOT.glob("examples/autogen/requirements/*.txt")
)
LOCKS = {
    name: (ROOT / name).read_text() for name in ("requirements.lock", "examples/residency/requirements.lock", *AUTOGEN)
}
LOCK, SOLVER_LOCK = LOCKS["requirements.lock"], LOCKS["examples/residency/requirements.lock"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WANTED = [
    *PROJECT["project"]["dependencies"],
    *PROJECT["dependency-groups"]["dev"],
    *PROJECT["build-system"]["requires"],
]


FIXED = {
    "websockets": "websockets",
    "anthropic": "anthropic",
    "aiosqlite": "aiosqlite",
    "twilio": "twilio",
    "aiosmtplib": "aiosmtplib",
    "typer": "typer",
    "tomli-w": "tomli_w",
    "apscheduler": "apscheduler",
}
"""The packages that the product is to be built with, and the module of each."""


def pins(lock: str = LOCK) -> dict[str, tuple[str, int]]:
    """Return version and number of hashes of each locked package."""
    entries = re.findall(r"^([a-z0-9-]+)==(\S+)[^\n]*\\\n((?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", lock, re.M)
    return {name: (version, hashes.count("--hash")) for name, version, hashes in entries}


@pytest.mark.parametrize("wanted", WANTED)
def test_requirement_is_pinned_within_its_bounds(wanted: str) -> None:
    requirement = Requirement(wanted)
    version, hashes = pins()[canonicalize_name(requirement.name)]
    assert version in requirement.specifier
    assert hashes > 0


def imported() -> set[str]:
    """Return the top-level modules that the code of the product imports, also inside of functions."""
    names: set[str] = set()
    for path in python_files(*SHIPPED):  # as text: to parse every module takes seconds
        text = (ROOT / path).read_text(encoding="utf-8")
        names.update(re.findall(r"^\s*(?:import|from) (\w+)", text, re.MULTILINE))
    return names


def test_the_packages_that_the_product_is_built_with_are_required_and_used() -> None:
    required = {canonicalize_name(Requirement(wanted).name) for wanted in PROJECT["project"]["dependencies"]}
    assert FIXED.keys() - required == set()
    assert set(FIXED.values()) - imported() == set()
    assert "pytest-asyncio" in {Requirement(wanted).name for wanted in PROJECT["dependency-groups"]["dev"]}


@pytest.mark.parametrize("name", sorted(LOCKS))
@pytest.mark.requirement(38)
def test_lock_holds_pins_hashes_and_comments_only(name: str) -> None:
    # No index, no address, no path, no option of the machine that resolved it.
    lock = LOCKS[name]
    lines = [line for line in lock.splitlines() if not re.match(r" *#| +--hash=sha256:", line)]
    assert {line.partition("==")[0] for line in lines} == pins(lock).keys()
    assert "://" not in lock
    assert not re.search(r"(^|\s)/", lock)


def test_the_solver_is_pinned_and_nothing_that_both_locks_have_differs() -> None:
    (wanted,) = map(Requirement, PROJECT["dependency-groups"]["solver"])
    solver, product = pins(SOLVER_LOCK), pins()
    assert solver[wanted.name][0] in wanted.specifier
    assert {name: solver[name][0] for name in solver.keys() & product} == {
        name: product[name][0] for name in solver.keys() & product
    }


@pytest.mark.parametrize("name", AUTOGEN)
def test_the_examples_with_autogen_are_pinned_as_they_are_wanted(name: str) -> None:
    for line in (ROOT / name).with_suffix(".in").read_text().splitlines():
        requirement = Requirement(line)
        version, hashes = pins(LOCKS[name])[canonicalize_name(requirement.name)]
        assert version in requirement.specifier
        assert hashes > 0


def test_the_python_package_needs_websockets_and_nothing_else() -> None:
    package = tomllib.loads((ROOT / "packages" / "python" / "pyproject.toml").read_text())
    assert [Requirement(wanted).name for wanted in package["project"]["dependencies"]] == ["websockets"]
    assert (ROOT / "packages" / "python" / "xswarm_client" / "py.typed").is_file()
