"""The wheel and the sdist contain the right files, and the installed wheel works."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from supervisor.wires.http.console import read_console
from tests.packaging.project import ROOT, SHIPPED


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, built offline with the pinned build backend."""
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution as pip does it."""
    unpacked = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    return build("wheel", unpacked / sdist.name.removesuffix(".tar.gz"), tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where pip has put the wheel; what it depends on comes from this interpreter."""
    target = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel)
    return target


def test_wheel_holds_the_five_packages_and_its_metadata_only(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in names(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(SHIPPED)


def test_wheel_holds_every_file_of_the_five_packages(wheel: Path) -> None:
    files = {path for package in SHIPPED for path in (ROOT / package).rglob("*") if path.is_file()}
    sources = {str(path.relative_to(ROOT)) for path in files if path.parent.name != "__pycache__"}
    assert sources - set(names(wheel)) == set()


def test_wheel_holds_the_migrations(wheel: Path) -> None:
    migrations = {f"migrations/{path.name}" for path in (ROOT / "migrations").glob("*.sql")}
    assert migrations
    assert migrations <= set(names(wheel))


def test_wheel_holds_the_console_that_a_daemon_serves(wheel: Path) -> None:
    built = {f"supervisor/wires/console/{path}" for path in read_console()}
    assert any(path.endswith(".js") for path in built)
    assert built | {f"{path}.gz" for path in built} <= set(names(wheel))


@pytest.mark.parametrize("target", ["wheel", "sdist"])
def test_nothing_is_built_without_the_console(target: str, sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    tree = tmp_path / sdist.name.removesuffix(".tar.gz")
    (tree / "supervisor/wires/console/index.html").unlink()
    command = (sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", tmp_path / "built")
    refused = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "run `make console` first" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_wheel_made_from_the_sdist_equals_one_made_from_the_tree(wheel: Path, tmp_path: Path) -> None:
    assert names(build("wheel", ROOT, tmp_path)) == names(wheel)


def test_sdist_holds_tests_but_no_machinery_of_ours(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        tops = {Path(name).parts[1] for name in archive.getnames()}
    assert {"tests", "migrations", "pyproject.toml"} <= tops
    assert not {".ci", ".git", ".venv", "benchmarks"} & tops


@pytest.mark.parametrize("command", ["xswarm", "cli"])
def test_installed_command_explains_itself(command: str, installed: Path) -> None:
    assert "Usage" in run_installed(installed, installed / "bin" / command, "--help")


def test_installed_package_runs_as_a_module(installed: Path) -> None:
    assert "usage" in run_installed(installed, sys.executable, "-m", "supervisor", "--help")


def test_installed_migrations_can_be_read(installed: Path) -> None:
    code = "import importlib.resources as r; print(*[f for f in r.files('migrations').iterdir()], sep='\\n')"
    listing = run_installed(installed, sys.executable, "-c", code)
    assert str(installed / "migrations" / "0001_initial.sql") in listing.splitlines()


def build(target: str, source: Path, destination: Path) -> Path:
    """Build the `sdist` or `wheel` of a tree into an empty folder; return the file."""
    run(sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", destination, cwd=source)
    (built,) = destination.iterdir()
    return built


def names(wheel: Path) -> list[str]:
    """Return the names in a wheel, sorted."""
    with zipfile.ZipFile(wheel) as archive:
        return sorted(archive.namelist())


def run_installed(installed: Path, *command: str | Path) -> str:
    """Run a command that sees the installed packages before those of the working tree."""
    return run(*command, cwd=installed.parent, PYTHONPATH=str(installed))


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    """Run a command that must succeed; return what it printed."""
    result = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
