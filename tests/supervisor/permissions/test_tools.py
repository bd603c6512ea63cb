"""Which inputs of a tool name files."""

from __future__ import annotations

from supervisor.permissions.tools import EDITS, HARMLESS, NETWORK, READS, SHELL, named_paths


def test_paths_are_found_under_every_key_that_names_one() -> None:
    assert named_paths({"path": "a", "file_path": "b", "notebook_path": "c", "pattern": "d"}) == ["b", "c", "a"]
    assert named_paths({"path": "", "file_path": None}) == []
    assert named_paths({"path": 7}) == [7], "the policy refuses what is no text"


def test_no_tool_is_in_two_groups() -> None:
    groups = (READS, EDITS, HARMLESS, NETWORK, {SHELL})
    assert len(frozenset().union(*groups)) == sum(map(len, groups))
