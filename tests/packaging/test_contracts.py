"""Every import contract of pyproject.toml reports when it is broken, and no two modules import each other."""

from __future__ import annotations

import graphlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import grimp
import pytest

from tests.packaging.project import CLIENT, PACKAGES, ROOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """Code that breaks a contract.

    Attributes:
        files: what is appended to which file of a copy of the tree; missing files are made.
        report: what import-linter says of it.
    """

    contract: str
    files: dict[str, str]
    report: str


def imports(module: str) -> str:
    """Return a line that imports `module` for its side effects."""
    return f"import {module}  # noqa\n"


BREACHES = [
    Breach(
        contract="floors",
        files={"supervisor/protocol/ids.py": imports("supervisor.wires")},
        report="supervisor.protocol.ids -> supervisor.wires",
    ),
    Breach(
        contract="floors",
        files={
            "supervisor/protocol/times.py": (
                "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import supervisor.wires\n"
            )
        },
        report="supervisor.protocol.times -> supervisor.wires",
    ),
    Breach(
        contract="floors",
        files={"supervisor/background/recovery.py": imports("supervisor.intake.intake")},
        report="supervisor.background.recovery -> supervisor.intake.intake",
    ),
    Breach(
        contract="floors",
        files={"supervisor/without_floor.py": ""},
        report="- supervisor.without_floor",
    ),
    Breach(
        contract="plugins-know-the-protocol",
        files={"channels/pigeon.py": imports("supervisor.wires")},
        report="channels.pigeon -> supervisor.wires",
    ),
    Breach(
        contract="plugins-know-the-protocol",
        files={"connectors/oracle.py": imports("supervisor.models")},
        report="connectors.oracle -> supervisor.models",
    ),
    Breach(
        contract="plugins-are-strangers",
        files={"channels/pigeon.py": imports("channels.drum"), "channels/drum.py": ""},
        report="channels.pigeon -> channels.drum",
    ),
    Breach(
        contract="plugins-are-strangers",
        files={"channels/pigeon.py": imports("connectors.claude_code")},
        report="channels.pigeon -> connectors.claude_code",
    ),
    Breach(
        contract="core-names-no-plugin",
        files={"supervisor/routing/rules.py": imports("connectors.claude_code")},
        report="supervisor.routing.rules -> connectors.claude_code",
    ),
    Breach(
        contract="cli-is-a-client",
        files={"cli/sessions.py": imports("supervisor.models")},
        report="cli.sessions -> supervisor.models",
    ),
    Breach(
        contract="cli-is-a-client",
        files={"cli/sessions.py": imports("supervisor.daemon"), "supervisor/daemon.py": ""},
        report="cli.sessions -> supervisor.daemon",
    ),
    Breach(
        contract="sql-lives-in-the-store",
        files={"supervisor/routing/rules.py": imports("sqlite3")},
        report="supervisor.routing.rules -> sqlite3",
    ),
    Breach(
        contract="protocol-is-plain",
        files={"supervisor/protocol/ids.py": imports("pydantic")},
        report="supervisor.protocol.ids -> pydantic",
    ),
    Breach(
        contract="product-without-tests",
        files={"supervisor/routing/rules.py": imports("tests.waiting")},
        report="supervisor.routing.rules -> tests.waiting",
    ),
    Breach(
        contract="examples-are-strangers",
        files={"examples/residency/data/clock.py": imports("supervisor.protocol.times")},
        report="examples.residency.data.clock -> supervisor.protocol.times",
    ),
    Breach(
        contract="floors-of-residency",
        files={"examples/residency/data/clock.py": imports("examples.residency.rules.table")},
        report="examples.residency.data.clock -> examples.residency.rules.table",
    ),
    Breach(
        contract="the-client-package-is-a-stranger",
        files={"xswarm_client/events.py": imports("supervisor.protocol.events")},
        report="xswarm_client.events -> supervisor.protocol.events",
    ),
    Breach(
        contract="floors-of-the-client-package",
        files={"xswarm_client/errors.py": imports("xswarm_client.link")},
        report="xswarm_client.errors -> xswarm_client.link",
    ),
    Breach(
        contract="no-cycles",
        files={
            "supervisor/protocol/a_noun.py": imports("supervisor.protocol.another"),
            "supervisor/protocol/another.py": imports("supervisor.protocol.a_noun"),
        },
        report="another",
    ),
]


@pytest.fixture(scope="module")
def copied_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of everything that import-linter reads."""
    tree = tmp_path_factory.mktemp("tree")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    for package in CLIENT:  # before the installed one in the path of modules
        shutil.copytree(ROOT / package, tree / Path(package).name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    return tree


@pytest.fixture(scope="module")
def unbroken(copied_tree: Path) -> subprocess.CompletedProcess[str]:
    """What import-linter says of the tree as it is."""
    return lint_imports(copied_tree)


@pytest.fixture(scope="module")
def broken(copied_tree: Path, unbroken: object) -> Mapping[str, str]:
    """What import-linter says of the tree with every breach in it, by the name of the contract that is broken."""
    for breach in BREACHES:
        for name, code in breach.files.items():
            with (copied_tree / name).open("a") as file:
                file.write(code)
    result = lint_imports(copied_tree)
    assert result.returncode == 1, result.stdout + result.stderr
    _, _, details = result.stdout.partition("Broken contracts")
    parts = re.split(r"^(.+)\n-+\n", details, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on a tree; return what it printed and its exit code. It reads only files that have changed."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()"]
    wide = os.environ | {"COLUMNS": "500"}  # no name of a contract is wrapped
    return subprocess.run([*command, "--no-logo"], cwd=tree, env=wide, capture_output=True, text=True, check=False)


def contracts() -> dict[str, str]:
    """Return the names of the contracts by their ids."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return {contract["id"]: contract["name"] for contract in project["tool"]["importlinter"]["contracts"]}


def test_an_unbroken_copy_keeps_every_contract(unbroken: subprocess.CompletedProcess[str]) -> None:
    assert unbroken.returncode == 0, unbroken.stdout + unbroken.stderr


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: f"{breach.contract}: {breach.report}")
def test_a_broken_contract_is_reported(breach: Breach, broken: Mapping[str, str]) -> None:
    assert breach.report in broken[contracts()[breach.contract]]


def test_every_contract_is_broken_by_a_test() -> None:
    assert set(contracts()) == {breach.contract for breach in BREACHES}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """The import graph, with imports for typing and with third-party packages."""
    return grimp.build_graph(PACKAGES[0], *PACKAGES[1:], include_external_packages=True, cache_dir=None)


def test_no_module_imports_itself_by_way_of_others(graph: grimp.ImportGraph) -> None:
    # The contract compares siblings; this also sees a package and its own modules.
    imported = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    graphlib.TopologicalSorter(imported).prepare()


def test_the_protocol_imports_the_standard_library_only(graph: grimp.ImportGraph) -> None:
    # The contract lists what must not be imported; this also sees what is on no list.
    protocol = {"supervisor.protocol", *graph.find_descendants("supervisor.protocol")}
    imported = {name for module in protocol for name in graph.find_modules_directly_imported_by(module)}
    assert sorted(imported - protocol - sys.stdlib_module_names) == []
