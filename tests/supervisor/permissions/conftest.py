"""A project with ways out of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A project: `out` leads outside, `deep` to a folder of its own, `conf` is `.claude`."""
    root = tmp_path / "proj"
    for folder in ("src/a/b", ".git/hooks", "conf"):
        (root / folder).mkdir(parents=True)
    (tmp_path / "proj-evil").mkdir()
    (root / "out").symlink_to(tmp_path / "proj-evil")
    (root / "deep").symlink_to(root / "src" / "a" / "b")
    (root / "hooks").symlink_to(root / ".git" / "hooks")
    (root / ".claude").symlink_to(root / "conf")
    monkeypatch.setenv("HOME", str(root))
    return os.path.realpath(root)
