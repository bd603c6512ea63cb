"""git in an environment of our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.undo.checkpoints.git import CheckpointFailed, Git, GitFailed, write_if_other
from supervisor.undo.checkpoints.shadow import ShadowRepository
from tests.supervisor.undo.checkpoints.places import place


@pytest.fixture
def git(tmp_path: Path) -> Git:
    there = place(tmp_path)
    git = Git(git_dir=there.git_dir, work_tree=there.project)
    git.prepare()
    return git


async def test_machine_without_git_is_told_what_to_do(tmp_path: Path) -> None:
    there = place(tmp_path)
    (tmp_path / "bin").mkdir()
    shadow = ShadowRepository(there.project, there.git_dir, search_path=str(tmp_path / "bin"))
    with pytest.raises(CheckpointFailed, match="there is no git on PATH") as raised:
        await shadow.record("first")
    assert "install git" in raised.value.remedy
    assert raised.value.code == "storage"


async def test_git_that_is_installed_later_is_found(tmp_path: Path) -> None:
    there = place(tmp_path)
    (tmp_path / "bin").mkdir()
    with pytest.raises(CheckpointFailed):
        await ShadowRepository(there.project, there.git_dir, search_path=str(tmp_path / "bin")).record("first")
    assert (await there.shadow().record("first")).commit


def test_settings_of_the_machine_are_not_read(git: Git, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".gitconfig").write_text("[user]\n\tname = someone\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    assert b"someone" not in git.run("config", "--list")
    assert Path(git.run("rev-parse", "--git-dir").decode().strip()) == git.git_dir


def test_run_that_takes_too_long_is_ended(git: Git) -> None:
    (git.git_dir / "config").write_text("[alias]\n\twait = !sleep 60\n")
    with pytest.raises(CheckpointFailed, match=r"longer than 0\.05 s"):
        git.run("wait", seconds=0.05)


def test_refusal_says_what_git_said(git: Git) -> None:
    with pytest.raises(GitFailed, match="could not get object info") as raised:
        git.run("cat-file", "-t", "0" * 40)
    assert raised.value.status == 128


def test_reading_is_cut_at_its_limit(git: Git) -> None:
    assert git.read("version", limit=3) == (b"git", True)
    assert git.read("version", limit=1000)[1] is False
    with pytest.raises(GitFailed):
        git.read("cat-file", "-t", "0" * 40, limit=10)


def test_lock_of_a_git_that_was_killed_is_taken_away(git: Git) -> None:
    (git.git_dir / "index.lock").touch()
    git.prepare()
    git.run("update-index", "--refresh")


def test_file_that_holds_the_same_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_if_other(file, b"1")
    before = file.stat().st_ino, file.stat().st_mtime_ns
    write_if_other(file, b"1")
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == before
    write_if_other(file, b"2")
    assert file.read_bytes() == b"2"
