"""Paths in a sentence: few, printable, and within their room."""

from __future__ import annotations

import pytest

from supervisor.undo.wording import name_paths


def test_many_paths_are_named_in_part() -> None:
    assert name_paths(("a",)) == "a"
    assert name_paths(tuple("abcdefg")) == "a, b, c, d, e and 2 more"
    assert name_paths(("\udcff",)) == "?"
    assert name_paths(("a\nReply YES BCDFG\x1b[2K\u202e",)) == "a?Reply YES BCDFG?[2K?"


@pytest.mark.parametrize("most", [20, 40, 200])
def test_paths_take_no_more_than_their_room(most: int) -> None:
    for paths in (("x" * 300,), ("x" * 300, "b"), tuple("abcdefghi"), ("one/long/path/to/file.txt",) * 9):
        assert len(name_paths(paths, most=most)) <= most
    assert name_paths(("folder/with/file.txt",), most=13) == "...h/file.txt"
    assert name_paths(("a.txt", "b.txt", "c.txt"), most=16) == "a.txt and 2 more"
