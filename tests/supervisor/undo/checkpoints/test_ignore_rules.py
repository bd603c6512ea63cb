"""Rules that git takes too long to match are refused; all others mean what they mean in their own file."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.undo.checkpoints.git import CheckpointFailed
from supervisor.undo.checkpoints.ignore_rules import cheap, is_expensive, rules_below, widened
from supervisor.undo.checkpoints.shadow import ShadowRepository
from tests.slowness import scaled
from tests.supervisor.undo.checkpoints.places import Place, git, place

SLOW = "*a" * 24
NAME = "a" * 60 + "b"
"""A name for which git tries that rule for longer than anybody waits."""


def shadow(there: Place) -> ShadowRepository:
    return ShadowRepository(there.project, there.git_dir, seconds=scaled(2.0))


@pytest.mark.parametrize(
    ("rule", "expensive"),
    [
        (b"*.py[cod]", False),
        (b"/build/**/*-*-*.log", False),
        (b"**/**/**/a", False),
        (b"**/**/**/**/a", True),
        (b"*a*a*a*a", True),
        (b"docs/x***y**z*a*b", True),
        (b"# * * * * *", True),
    ],
)
def test_a_rule_with_many_wildcards_in_one_part_is_expensive(rule: bytes, expensive: bool) -> None:
    assert is_expensive(rule) is expensive


def test_a_wider_rule_takes_the_place_of_an_expensive_one() -> None:
    content = b"*.log\nx*a*b*c*d.txt\n!*a*b*c*d\n/d/**/**/**/**/e\n"
    assert widened(content) == b"*.log\nx*d.txt\n\n/d/**/e\n"
    assert cheap(content) == b"*.log\n"


def test_rules_of_all_folders_mean_the_same_in_one_file(tmp_path: Path) -> None:
    there = place(tmp_path)
    there.write(".gitignore", "*.log\n/top\nbuild/\n# nothing\n\n\\#odd\ntrail \n")
    there.write("d e/.gitignore", "!keep.log\n/here\nsub/file\r\n*.tmp\n[ab].c\n\\!x\n")
    there.write("d e/deep/.gitignore", "!*.tmp\n")
    there.write(".git/.gitignore", "never\n")
    for path in (
        *("a.log", "top", "x/top", "build/a", "x/build/a", "#odd", "trail", "never", "d e/a.log", "d e/keep.log"),
        *("d e/here", "d e/deep/here", "d e/sub/file", "d e/deep/sub/file", "d e/x.tmp", "d e/deep/x.tmp", "d e/a.c"),
        *("d e/c.c", "d e/!x", "a.c", "x.tmp"),
    ):
        there.write(path, "x")
    there.write("rules", b"\n".join(rules_below(there.project).lines))
    git(tmp_path, "init", "-q", "repository")
    listed = [
        git(tmp_path / "repository", f"--work-tree={there.project}", "ls-files", "--others", "-z", option)
        for option in ("--exclude-per-directory=.gitignore", f"--exclude-from={there.project}/rules")
    ]
    assert listed[0] == listed[1]
    assert b"d e/deep/x.tmp" in listed[0]
    assert b"d e/x.tmp" not in listed[0]


async def test_a_rule_that_takes_git_too_long_is_named_and_the_folder_recorded_without_it(tmp_path: Path) -> None:
    there = place(tmp_path)
    there.write(".gitignore", f"*.log\n{SLOW}\n")
    there.write("sub/.gitignore", "*.tmp\n")
    for path in (NAME, "ok.txt", "a.log", "sub/b.tmp"):
        there.write(path, "x")
    first = await shadow(there).record("first")
    assert first.refused_rules == (f".gitignore: {SLOW}",)
    assert there.recorded(first.commit) == sorted([".gitignore", NAME, "ok.txt", "sub/.gitignore"])
    there.write("new.txt", "x")
    second = await shadow(there).record("second")
    await shadow(there).revert(first.commit, second.commit, dry_run=False)
    assert not os.path.exists(there.project / "new.txt")
    there.write(".gitignore", "*.log\n")
    third = await shadow(there).record("third")
    assert third.refused_rules == ()
    assert replace(third, commit="") == replace(await shadow(there).record("fourth"), commit="")


async def test_a_slow_rule_of_a_repository_inside_the_project_is_refused_too(tmp_path: Path) -> None:
    there = place(tmp_path)
    git(tmp_path, "init", "-q", str(there.project / "inner"))
    there.write("inner/.gitignore", f"*.log\n{SLOW}\n")
    for path in (f"inner/{NAME}", "inner/a.log", "ok.txt"):
        there.write(path, "x")
    first = await shadow(there).record("first")
    assert first.refused_rules == (f"inner/.gitignore: {SLOW}",)
    assert there.recorded(first.commit) == ["inner/.gitignore", f"inner/{NAME}", "ok.txt"]


async def test_an_undo_leaves_a_file_that_a_slow_rule_may_have_ignored_before(tmp_path: Path) -> None:
    there = place(tmp_path)
    there.write(".gitignore", "*a*b*c*d*e\n")
    there.write("a-b-c-d-e", "was there")
    first = await shadow(there).record("first")
    assert first.refused_rules == ()
    assert there.recorded(first.commit) == [".gitignore"]
    there.write(".gitignore", f"*a*b*c*d*e\n{SLOW}\n")
    there.write(NAME, "x")
    second = await shadow(there).record("second")
    assert "a-b-c-d-e" in there.recorded(second.commit)
    with pytest.raises(CheckpointFailed, match="took longer"):  # git reads the slow rule of the present folder
        await shadow(there).revert(first.commit, second.commit, dry_run=False)
    assert (there.project / NAME).exists()
    there.write(".gitignore", "")  # what a person does then
    third = await shadow(there).record("third")
    done = await shadow(there).revert(first.commit, third.commit, dry_run=False)
    assert done.paths == (".gitignore", NAME)
    assert (there.project / "a-b-c-d-e").exists()
