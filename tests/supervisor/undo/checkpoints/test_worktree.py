"""What of a folder is recorded."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from supervisor.undo.checkpoints.git import CheckpointFailed
from supervisor.undo.checkpoints.shadow import ShadowRepository
from supervisor.undo.checkpoints.worktree import BAD_NAME, TOO_LARGE, UNREADABLE
from tests.supervisor.undo.checkpoints.places import Place, git, modes_bind, place, snapshot


@pytest.fixture
def there(tmp_path: Path) -> Place:
    return place(tmp_path)


async def test_folder_that_is_no_repository_is_recorded_whole(there: Place) -> None:
    there.write("a.txt", "a")
    there.write("below/b.txt", "b")
    commit = (await there.shadow().record("first")).commit
    assert there.recorded(commit) == ["a.txt", "below/b.txt"]
    assert not (there.project / ".git").exists()


async def test_own_repository_stays_byte_for_byte(there: Place) -> None:
    git(there.project, "init", "--quiet")
    there.write("a.txt", "a")
    git(there.project, "add", "a.txt")
    git(there.project, "commit", "--quiet", "-m", "one")
    there.write(".git/index.lock", "someone else's")
    there.write("a.txt", "other")
    there.write("untracked.txt", "u")
    before = snapshot(there.project / ".git")
    shadow = there.shadow()
    first = (await shadow.record("first")).commit
    there.write("a.txt", "third")
    second = (await shadow.record("second")).commit
    await shadow.revert(first, second, dry_run=False)
    assert there.recorded(first) == ["a.txt", "untracked.txt"]
    assert there.read("a.txt") == "other"
    assert snapshot(there.project / ".git") == before


async def test_ignored_files_are_not_recorded(there: Place) -> None:
    there.write(".gitignore", "*.log\n.env\n")
    there.write(".git/info/exclude", "mine\n")
    for name in (".env", "a.log", "mine", "kept"):
        there.write(name, name)
    assert there.recorded((await there.shadow().record("first")).commit) == [".gitignore", "kept"]


async def test_exclude_file_that_leads_elsewhere_is_not_read(there: Place, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("kept\n")
    there.write("kept", "k")
    (there.project / ".git/info").mkdir(parents=True)
    (there.project / ".git/info/exclude").symlink_to(tmp_path / "secret")
    assert there.recorded((await there.shadow().record("first")).commit) == ["kept"]
    assert b"kept" not in (there.git_dir / "info/exclude").read_bytes()


async def test_exclude_file_that_is_a_folder_holds_no_rules(there: Place) -> None:
    (there.project / ".git" / "info" / "exclude").mkdir(parents=True)
    there.write("a.txt", "x")
    assert there.recorded((await there.shadow().record("one")).commit) == ["a.txt"]


async def test_missing_folder_is_an_error_and_no_empty_state(there: Place) -> None:
    shadow = there.shadow()
    there.write("a.txt", "a")
    await shadow.record("first")
    shutil.rmtree(there.project)
    with pytest.raises(CheckpointFailed, match="is gone") as raised:
        await shadow.record("second")
    assert raised.value.remedy


async def test_odd_names_are_recorded(there: Place) -> None:
    names = ["-leading", "line\nbreak", "käse", "tab\there", ":(top)x", "*", "git~1", 'quo"te', "back\\slash", " "]
    for name in names:
        there.write(name, name)
    there.write(os.fsdecode(b"not-utf8-\xff"), "x")
    commit = (await there.shadow().record("first")).commit
    assert sorted(there.recorded(commit)) == sorted([*names, os.fsdecode(b"not-utf8-\xff")])


async def test_bytes_are_kept_whatever_the_attributes_say(there: Place) -> None:
    there.write(".gitattributes", "*.txt text eol=lf filter=loud ident\n*.u working-tree-encoding=UTF-16\n")
    there.write("a.txt", "one\r\ntwo\n$Id$\r\n")
    there.write("b.u", b"plain")
    git(there.project, "init", "--quiet")
    ran = there.project.parent / "ran"
    git(there.project, "config", "filter.loud.clean", f"touch {ran}; cat")
    git(there.project, "config", "core.autocrlf", "true")
    shadow = there.shadow()
    first = (await shadow.record("first")).commit
    assert there.blob(first, "a.txt") == b"one\r\ntwo\n$Id$\r\n"
    (there.project / "a.txt").unlink()
    second = (await shadow.record("second")).commit
    await shadow.revert(first, second, dry_run=False)
    assert there.read("a.txt") == "one\r\ntwo\n$Id$\r\n"
    assert not ran.exists()


async def test_links_are_recorded_as_links(there: Place, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (there.project / "link").symlink_to(tmp_path / "secret")
    (there.project / "dangling").symlink_to("nowhere")
    there.write("folder/a", "a")
    shadow = there.shadow()
    first = (await shadow.record("first")).commit
    assert there.blob(first, "link") == os.fsencode(tmp_path / "secret")
    (there.project / "folder").rename(tmp_path / "moved")
    (tmp_path / "moved/a").write_text("longer than before")
    (there.project / "folder").symlink_to(tmp_path / "moved")
    second = (await shadow.record("second")).commit
    assert there.recorded(second) == ["dangling", "folder", "link"]
    (there.project / "folder").unlink()
    there.write("folder/a", "a")
    assert there.recorded((await shadow.record("third")).commit) == ["dangling", "folder/a", "link"]


async def test_file_may_become_a_folder_and_a_folder_a_file(there: Place) -> None:
    there.write("a", "file")
    there.write("b/c", "in a folder")
    shadow = there.shadow()
    first = (await shadow.record("first")).commit
    (there.project / "a").unlink()
    there.write("a/inner", "x")
    shutil.rmtree(there.project / "b")
    there.write("b", "file now")
    second = (await shadow.record("second")).commit
    assert there.recorded(second) == ["a/inner", "b"]
    await shadow.revert(first, second, dry_run=False)
    assert (there.read("a"), there.read("b/c")) == ("file", "in a folder")


async def test_what_is_no_file_is_passed_over(there: Place) -> None:
    there.write("a", "a")
    there.write("was", "a file")
    shadow = there.shadow()
    await shadow.record("first")
    (there.project / "was").unlink()
    os.mkfifo(there.project / "was")
    (there.project / "empty").mkdir()
    assert there.recorded((await shadow.record("second")).commit) == ["a"]


async def test_large_file_is_left_out_and_named(there: Place) -> None:
    there.write("small", "s")
    there.write("grows", "g")
    there.write("large", b"x" * 100_001)
    shadow = there.shadow()
    first = await shadow.record("first")
    assert [(left.path, left.why) for left in first.left_out] == [("large", TOO_LARGE)]
    there.write("grows", b"x" * 100_001)
    second = await shadow.record("second")
    assert [left.path for left in second.left_out] == ["grows", "large"]
    assert there.recorded(second.commit) == ["small"]


async def test_name_of_gits_own_is_left_out_and_named(there: Place) -> None:
    there.write("below/.GIT/config", "x")
    there.write("a", "a")
    checkpoint = await there.shadow().record("first")
    assert [(left.path, left.why) for left in checkpoint.left_out] == [("below/.GIT/config", BAD_NAME)]
    assert there.recorded(checkpoint.commit) == ["a"]


async def test_unreadable_file_is_left_out_and_named(there: Place, tmp_path: Path) -> None:
    if not modes_bind(tmp_path):
        pytest.skip("root reads everything")
    there.write("closed", "c").chmod(0)
    there.write("a", "a")
    checkpoint = await there.shadow().record("first")
    assert [(left.path, left.why) for left in checkpoint.left_out] == [("closed", UNREADABLE)]


async def test_files_of_repositories_inside_are_recorded(there: Place) -> None:
    for inner in ("inner", "inner/deeper", "with commits"):
        (there.project / inner).mkdir(parents=True)
        git(there.project / inner, "init", "--quiet")
        there.write(f"{inner}/file", inner)
    there.write("inner/.gitignore", "*.log\n")
    there.write("inner/a.log", "ignored")
    git(there.project / "with commits", "add", "file")
    git(there.project / "with commits", "commit", "--quiet", "-m", "one")
    before = [snapshot(there.project / inner / ".git") for inner in ("inner", "inner/deeper", "with commits")]
    shadow = there.shadow()
    first = (await shadow.record("first")).commit
    recorded = ["inner/.gitignore", "inner/deeper/file", "inner/file", "with commits/file"]
    assert there.recorded(first) == recorded
    there.write("inner/deeper/file", "changed")
    there.write("with commits/new", "new")
    second = (await shadow.record("second")).commit
    assert [change.path for change in await shadow.changed(first, second)] == ["inner/deeper/file", "with commits/new"]
    await shadow.revert(first, second, dry_run=False)
    assert there.read("inner/deeper/file") == "inner/deeper"
    assert not (there.project / "with commits/new").exists()
    after = [snapshot(there.project / inner / ".git") for inner in ("inner", "inner/deeper", "with commits")]
    assert after == before


async def test_state_inside_the_project_is_left_out(there: Place) -> None:
    state = there.project / "state [1]"
    there.write("state [1]/xswarm.db", "rows")
    there.write("state 1", "not the state")
    there.write(".gitignore", "!state*\n")
    shadow = ShadowRepository(there.project, state / "checkpoints/one.git", never=(state,))
    await shadow.record("first")
    second = await shadow.record("second")
    listed = git(state / "checkpoints/one.git", "ls-tree", "-r", "--name-only", second.commit).decode().splitlines()
    assert listed == [".gitignore", "state 1"]


async def test_many_files_are_recorded_and_the_few_that_change_found(there: Place) -> None:
    for number in range(1_000):
        there.write(f"{number % 40}/{number}", str(number))
    shadow = there.shadow()
    first = (await shadow.record("first")).commit
    there.write("7/7", "other")
    (there.project / "8/8").unlink()
    second = (await shadow.record("second")).commit
    assert len(there.recorded(first)) == 1_000
    assert [(c.path, c.status) for c in await shadow.changed(first, second)] == [("7/7", "M"), ("8/8", "D")]
