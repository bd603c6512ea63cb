"""What the doctor says of a machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.doctor import machine
from supervisor.protocol.ports.checks import Check, Standing


def found() -> dict[str, Check]:
    return {check.name: check for check in machine.examine()}


def test_this_machine_runs_xswarm() -> None:
    assert Standing.FAILED not in {check.status for check in machine.examine()}


def test_without_git_and_the_sandbox_there_is_a_warning_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    checks = found()
    for name in ("git", "sandbox programs"):
        assert (checks[name].status, bool(checks[name].remedy)) == (Standing.WARNING, True), name


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("git version 2.38.0", Standing.OK),
        ("git version 2.37.9", Standing.WARNING),
        ("git version 3.0", Standing.OK),
        ("nonsense", Standing.WARNING),
    ],
)
def test_git_has_to_be_new_enough(said: str, status: Standing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = tmp_path / "git"
    git.write_text(f"#!/bin/sh\necho '{said}'\n", encoding="utf-8")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert found()["git"].status is status


@pytest.mark.parametrize(
    ("version", "status", "has_bug"),
    [
        ((3, 36, 0), Standing.FAILED, False),
        ((3, 44, 5), Standing.OK, True),
        ((3, 44, 6), Standing.OK, False),
        ((3, 50, 6), Standing.OK, True),
        ((3, 51, 3), Standing.OK, False),
        ((3, 60, 0), Standing.OK, False),
    ],
)
@pytest.mark.requirement(38)
def test_sqlite_is_judged_by_its_version(
    version: tuple[int, int, int], status: Standing, has_bug: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "sqlite_version", lambda: version)
    check = found()["sqlite"]
    assert (check.status, "WAL-reset" in check.detail) == (status, has_bug)


def test_a_package_of_another_project_in_place_of_ours_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "packages_distributions", lambda: {"supervisor": ["supervisor"]})
    check = found()["packages"]
    assert check.status is Standing.FAILED
    assert "supervisor (supervisor)" in check.detail
