"""The rights of files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from supervisor.undo.checkpoints import modes


def file(path: Path, mode: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    path.chmod(mode)
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("had", "written", "has"),
    [
        (0o600, 0o644, 0o600),
        (0o664, 0o644, 0o664),
        (0o700, 0o755, 0o700),
        (0o750, 0o644, 0o640),
        (0o640, 0o755, 0o750),
        (0o754, 0o755, 0o754),
    ],
)
def test_rights_are_given_back_and_whether_it_runs_is_left(tmp_path: Path, had: int, written: int, has: int) -> None:
    path = file(tmp_path / "below/a", had)
    kept = modes.read(tmp_path, ["below/a", "missing", "below"])
    assert kept == {"below/a": had}
    path.chmod(written)
    modes.restore(tmp_path, kept)
    assert mode(path) == has


def test_no_link_is_followed(tmp_path: Path) -> None:
    outside = file(tmp_path / "outside/a", 0o600)
    root = tmp_path / "project"
    root.mkdir()
    (root / "below").symlink_to(tmp_path / "outside")
    (root / "link").symlink_to(outside)
    assert modes.read(root, ["link"]) == {}
    modes.restore(root, {"below/a": 0o666, "link": 0o666, "gone": 0o666})
    assert mode(outside) == 0o600


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    open_files = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0
    modes.restore(tmp_path, {"pipe": 0o666})
    assert mode(tmp_path / "pipe") == 0o600
    if open_files:
        assert len(os.listdir("/proc/self/fd")) == open_files
