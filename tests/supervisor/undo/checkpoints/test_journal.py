"""The journal survives what happens to a disk: one entry, read whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.undo.checkpoints.git import Git
from supervisor.undo.checkpoints.journal import JOURNAL, JournalEntry, read_entry, remove_entry, write_entry

ENTRY = JournalEntry(before="a" * 40, after="b" * 40, current="c" * 40, target="d" * 40)


def git_at(folder: Path) -> Git:
    return Git(git_dir=folder, work_tree=folder)


def test_an_entry_is_read_until_it_is_removed(tmp_path: Path) -> None:
    git = git_at(tmp_path)
    assert read_entry(git) is None
    write_entry(git, ENTRY)
    assert read_entry(git) == ENTRY
    assert set(ENTRY.commits) == {letter * 40 for letter in "abcd"}
    remove_entry(git)
    remove_entry(git)
    assert read_entry(git) is None


@pytest.mark.parametrize("content", [b"", b'{"before": "a', b"[]", b'{"before": "a"}', b"\xff"])
def test_an_entry_that_is_not_whole_is_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_bytes(content)
    assert read_entry(git_at(tmp_path)) is None
