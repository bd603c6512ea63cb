"""package-lock.json pins the packages of the front end by hash, and names no registry."""

from __future__ import annotations

import json

from tests.packaging.project import ROOT

LOCK = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
PACKAGES = LOCK["packages"]
WORKSPACES = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["workspaces"]


def test_every_package_is_pinned_by_its_hash() -> None:
    ours = {"", *WORKSPACES}
    installed = {path: entry for path, entry in PACKAGES.items() if path not in ours and not entry.get("link")}
    assert len(installed) > 40
    assert [path for path, entry in installed.items() if not entry.get("integrity", "").startswith("sha512-")] == []


def test_the_lock_names_no_registry() -> None:
    assert [entry["resolved"] for entry in PACKAGES.values() if "://" in entry.get("resolved", "")] == []


def test_what_is_wanted_is_what_is_locked() -> None:
    for folder in ("", *WORKSPACES):
        package = json.loads((ROOT / folder / "package.json").read_text(encoding="utf-8"))
        for kind in ("dependencies", "devDependencies", "peerDependencies"):
            assert PACKAGES[folder].get(kind, {}) == package.get(kind, {})


def test_the_react_package_needs_react_and_nothing_else() -> None:
    package = json.loads((ROOT / "packages/react/package.json").read_text(encoding="utf-8"))
    assert "dependencies" not in package
    assert list(package["peerDependencies"]) == ["react"]


def test_files_of_the_front_end_are_short() -> None:
    # As for Python: at most 400 lines, of a test at most 600.
    for folder, longest in (("src", 400), ("tests", 600)):
        for package in WORKSPACES:
            files = [path for path in (ROOT / package / folder).rglob("*.ts*") if path.is_file()]
            assert files
            assert [path for path in files if len(path.read_text(encoding="utf-8").splitlines()) > longest] == []
